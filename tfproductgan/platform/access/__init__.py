"""Who may do what: keys of programs, people with passwords, what each may, and how often."""
