"""`python -m prefect_kie.cli`, as `prefect-kie`."""

import sys

from prefect_kie.cli.main import main

sys.exit(main())
