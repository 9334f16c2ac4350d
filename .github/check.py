"""What no schema says of .github, .devcontainer and the hooks: that what they name is there, and pinned as elsewhere.

`make github` runs it, with the Python that has pre-commit. Every fault is printed, and the exit code is 1 if there is one.
"""

import json
import re
import sys
from pathlib import Path

import cfgv
import yaml
from pre_commit.clientlib import MANIFEST_HOOK_DICT

ROOT = Path(__file__).resolve().parent.parent
FAULTS: list[str] = []


def text(path: str) -> str:
    """Returns the text of a file of the tree."""
    return (ROOT / path).read_text()


def hold(holds: bool, fault: str) -> None:
    """Notes a fault, unless all is well."""
    if not holds:
        FAULTS.append(fault)


def variable(name: str) -> str:
    """Returns a variable of the Makefile."""
    return re.search(rf"^{name} := (\S+)$", text("Makefile"), re.M)[1]


def targets(path: str) -> None:
    """Checks that the targets of make that a file runs are there."""
    known = set(re.findall(r"^([a-z0-9-]+):", text("Makefile"), re.M))
    for target in re.findall(r"(?:run: |\")make ([a-z0-9-]+)", text(path)):
        hold(target in known, f"{path}: make has no target {target}")


def workflows() -> None:
    """Checks that actions are pinned by commit and alike everywhere, and that jobs run in the image's Debian."""
    debian = re.findall(r"^FROM (debian:\S+)", text("Dockerfile"), re.M)[-1]
    pinned: dict[str, str] = {}
    for path in sorted((ROOT / ".github/workflows").glob("*.yml")):
        name = str(path.relative_to(ROOT))
        targets(name)
        for action, at in re.findall(r"uses: ([^@\s]+)@(.*)", path.read_text()):
            hold(bool(re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", at)), f"{name}: {action}@{at} is not pinned")
            hold(pinned.setdefault(action, at) == at, f"{name}: {action} is another one than elsewhere")
        images = re.findall(r"image: (\S+)", path.read_text())
        hold(images == [debian], f"{name}: runs in {images}, and the Dockerfile's image is {debian}")


def dependabot() -> None:
    """Checks that dependabot looks where there is something, and into every such folder."""
    said = text(".github/dependabot.yml")
    folders = re.findall(r"director(?:y|ies): \[?([^\]\n]+)", said)
    folders = {folder.strip().strip("/") for group in folders for folder in group.split(",")}
    ignored = {"node_modules", "target", ".tools"}
    files = [path for name in ("go.mod", "package.json", "Cargo.lock") for path in ROOT.rglob(name)]
    there = {str(path.parent.relative_to(ROOT)) for path in files if not ignored & set(path.parts)}
    there = {"" if folder == "." else folder for folder in there}
    hold(folders == there, f"dependabot.yml looks into {sorted(folders)}, and there are {sorted(there)}")


def devcontainer() -> None:
    """Checks that the container for developers has the versions that everything else has."""
    path = ".devcontainer/devcontainer.json"
    said = json.loads(text(path))
    targets(path)
    debian = re.findall(r"^FROM (debian:\S+)", text("Dockerfile"), re.M)[-1]
    hold(said["image"] == debian, f"{path}: {said['image']} is not the Dockerfile's {debian}")
    hold(5000 in said["forwardPorts"], f"{path}: port 5000 is not forwarded")
    rust = re.search(r'^channel = "(.*)"', text("rust-toolchain.toml"), re.M)[1]
    wanted = {"rust": rust, "node": variable("NODE"), "go": variable("GO")}
    for feature, options in said["features"].items():
        name, _, version = feature.rsplit("/", 1)[1].partition(":")
        hold(bool(re.fullmatch(r"\d+\.\d+\.\d+", version)), f"{path}: {feature} is not pinned")
        version = options.get("version")
        hold(version == wanted.pop(name, version), f"{path}: {name} {version} is another one than elsewhere")
    hold(not wanted, f"{path}: {', '.join(wanted)} is missing")


def hooks() -> None:
    """Checks the hooks by pre-commit's own rules, which `validate-config` leaves out for those of this tree."""
    path = ".pre-commit-config.yaml"
    known = {item.key for item in MANIFEST_HOOK_DICT.items if hasattr(item, "key")}
    for hook in (hook for repo in yaml.safe_load(text(path))["repos"] for hook in repo["hooks"]):
        hold(set(hook) <= known, f"{path}: {sorted(set(hook) - known)} is unknown")
        try:
            cfgv.validate(hook, MANIFEST_HOOK_DICT)
        except cfgv.ValidationError as error:
            FAULTS.append(f"{path}: {error}")


def links() -> None:
    """Checks that these papers link to files that are there."""
    papers = ["CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "SECURITY.md", "charts/pollux/README.md", "docs/cloud.md"]
    for paper in papers:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text(paper)):
            there = link.startswith("https://") or (ROOT / paper).parent.joinpath(link).exists()
            hold(there, f"{paper}: there is no {link}")


if __name__ == "__main__":
    for check in (workflows, dependabot, devcontainer, hooks, links):
        check()
    for fault in FAULTS:
        print(fault, file=sys.stderr)
    sys.exit(1 if FAULTS else 0)
