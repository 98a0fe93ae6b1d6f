"""Jobs: many requests that outlive whoever asked, and the gateway too."""
