"""The package as others install it: wheel, sdist, what is in them, and true lower bounds."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the sdist, and the wheel that was built from it."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    # From what git knows, as in a clone; in a place of its own, since a build leaves files behind.
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            copy = source / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def wheel_of(built: Path) -> zipfile.ZipFile:
    (path,) = built.glob("*.whl")
    return zipfile.ZipFile(path)


def modules() -> set[str]:
    """All modules of the source tree, by their place in the wheel."""
    found = {
        str(Path("prefect_kie") / file.relative_to(ROOT / "src/prefect_kie"))
        for file in (ROOT / "src/prefect_kie").rglob("*.py")
    }
    for folder in ("blocks", "tasks", "flows"):
        found |= {f"prefect_kie/{file.relative_to(ROOT)}" for file in (ROOT / folder).rglob("*.py")}
    return found


def test_the_wheel_built_from_the_sdist_holds_every_module_and_nothing_generic(built: Path) -> None:
    with wheel_of(built) as wheel:
        names = set(wheel.namelist())
    assert {name for name in names if name.endswith(".py")} == modules()
    assert {name.split("/")[0] for name in names} == {"prefect_kie", "prefect_kie-0.1.0.dist-info"}
    assert "prefect_kie/py.typed" in names
    assert any(name.endswith("LICENSE") for name in names)


def test_the_sdist_holds_what_a_wheel_needs(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.split("/", 1)[-1] for name in sdist.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "flows/generate.py", "tasks/models.py"} <= names


def test_the_wheel_installs_and_imports(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-index", "--target", str(tmp_path / "site"), str(wheel)], check=True)
    code = (
        "import sys; sys.path.insert(0, 'site')\n"
        "import prefect_kie, prefect_kie.flows, prefect_kie.simulator, prefect_kie.cli.main\n"
        "print(prefect_kie.flows.__file__, prefect_kie.__version__)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:prefect_kie", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "site/prefect_kie/flows/__init__.py"), "0.1.0"]


def test_every_package_is_listed_and_found() -> None:
    packages = {str(Path(module).parent).replace("/", ".") for module in modules()}
    assert packages == set(PROJECT["tool"]["setuptools"]["packages"])


def test_the_tested_lowest_versions_are_the_declared_bounds() -> None:
    project = PROJECT["project"]
    declared = dict(
        match.groups()
        for requirement in [*project["dependencies"], *project["optional-dependencies"]["pictures"]]
        if (match := re.match(r"([a-z]+)>=([\d.]+)", requirement))
    )
    lines = (ROOT / "tests/lowest.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert {name: bound.removesuffix(".0") for name, bound in declared.items()} == {
        name: re.sub(r"(\.0)+$", "", version) for name, version in tested.items()
    }


def test_every_room_has_its_place_in_the_layers() -> None:
    listed = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    tops = {".".join(package.split(".")[:2]) for package in PROJECT["tool"]["setuptools"]["packages"]}
    modules = [path.stem for path in (ROOT / "src/prefect_kie").glob("*.py")]
    tops |= {f"prefect_kie.{name}" for name in modules if not name.startswith("__")}
    assert set(listed) == tops - {"prefect_kie", "prefect_kie.simulator"}
