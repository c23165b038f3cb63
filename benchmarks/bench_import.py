"""Import time in a fresh process, beside that of scikit-learn."""

import argparse

from _timing import fresh_process_seconds, print_table


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run each")
    repeats = 1 if parser.parse_args().quick else 5
    python = fresh_process_seconds("pass", repeats)
    statements = {
        "import sklearn_manifold_reg": "import sklearn_manifold_reg",
        "import sklearn": "import sklearn",
        "... its semi_supervised": (
            "from sklearn_manifold_reg.semi_supervised import LabelDiffusionClassifier"
        ),
        "... sklearn.semi_supervised": (
            "from sklearn.semi_supervised import LabelSpreading"
        ),
    }
    rows = []
    for name, code in statements.items():
        fresh_process_seconds(code)
        rows.append((name, fresh_process_seconds(code, repeats) - python))
    print_table(("statement", "seconds beyond a bare interpreter"), rows)


if __name__ == "__main__":
    main()
