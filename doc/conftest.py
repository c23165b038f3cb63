"""Examples on the pages run with scikit-learn's array API switch available."""

import os

# scipy and scikit-learn read this when they are first imported.
os.environ["SCIPY_ARRAY_API"] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

# What the build of the documentation makes, and its configuration.
collect_ignore = ["_build", "_ext", "api/generated", "auto_examples", "conf.py"]
