"""Result files: fetched, proven whole, named, and looked into."""
