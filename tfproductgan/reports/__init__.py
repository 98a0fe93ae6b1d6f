"""What was found out about models, for people: charts, reports and the page on which people judge."""
