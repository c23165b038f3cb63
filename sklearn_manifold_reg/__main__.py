"""`python -m sklearn_manifold_reg` prints versions, for bug reports."""

from sklearn_manifold_reg._versions import show_versions

if __name__ == "__main__":
    show_versions()
