import pytest


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The report of the committed record, with two of its figures and the picture of one recipe."""
    from untrained.figures.site.build import write_site
    from untrained.figures.site.content import read_content

    folder = tmp_path_factory.mktemp("report") / "site"
    drawn = {"figures": ("early_stopping", "sigma_min"), "recipes": ("fig5",)}
    write_site(folder, read_content(), workers=0, **drawn)
    return folder


@pytest.fixture(scope="session")
def whole_report(tmp_path_factory):
    """What was written of the report of the committed record with every figure."""
    from untrained.figures.site.build import write_site
    from untrained.figures.site.content import read_content

    return write_site(tmp_path_factory.mktemp("whole") / "site", read_content(), workers=2)
