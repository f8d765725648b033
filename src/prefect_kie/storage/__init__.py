"""Where records and results are kept: disks and object stores, with exclusive creation and atomic files."""
