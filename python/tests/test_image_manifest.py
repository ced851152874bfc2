"""Putting an image together: layers, configuration, manifest."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloche.image import judge, layer_of, make
from cloche.image import layer as layers
from cloche.image.manifest import digest_of
from cloche.image.read import read


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "nix/store"
    monkeypatch.setattr(layers, "STORE", str(folder).lstrip("/"))
    from cloche.image import closure

    monkeypatch.setattr(make, "STORE", str(folder).lstrip("/"))
    monkeypatch.setattr(closure, "STORE", str(folder).lstrip("/"))
    for name in ("base", "wheel", "app", "more"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "bin" / name).write_text(name)
        (folder / name / "bin" / name).chmod(0o555)
    licenses = folder / "licenses/share/doc/base"
    licenses.mkdir(parents=True)
    (licenses / "copyright").write_text("text")
    return folder


def attributes(store: Path, tmp_path: Path, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type, as in Nix
    files = []
    for name, paths in (("base", ["base", "licenses"]), ("light", ["wheel"])):
        out = tmp_path / f"layer-{name}"
        layer_of.main(
            {
                "outputs": {"out": str(out)},
                "layer": name,
                "paths": [f"{store}/{path}" for path in paths],
                "without": [],
                "exclude": {},
            }
        )
        files.append(str(out))
    edges = {"app": ["wheel", "more"], "wheel": ["base"], "more": [], "base": [], "licenses": []}
    return {
        "outputs": {"out": str(tmp_path / "image")},
        "image": "default",
        "imageName": "demo",
        "tag": "1.0",
        "SOURCE_DATE_EPOCH": "315532800",
        "roots": [f"{store}/app", f"{store}/base", f"{store}/licenses"],
        "closure": [
            {
                "path": f"{store}/{name}",
                "references": [f"{store}/{to}" for to in to],
                "narHash": "sha256:x",
                "narSize": 1,
            }
            for name, to in edges.items()
        ],
        "layers": files,
        "application": [f"{store}/app"],
        "links": {"bin/sh": f"{store}/base/bin/base"},
        "user": "1000:1001",
        "home": "/home/app",
        "allowed": [],
        "development": {},
        "settings": {
            "architecture": "amd64",
            "user": "1000:1001",
            "entrypoint": [f"{store}/app/bin/app"],
            "command": [],
            "environment": {"PATH": "/bin", "B": "2", "A": "1"},
            "working_directory": "/home/app",
            "ports": ["8080/tcp"],
            "volumes": ["/data"],
            "labels": {"l": "1"},
            "annotations": {"org.opencontainers.image.title": "demo"},
        },
        **more,
    }


def test_image(store: Path, tmp_path: Path) -> None:
    make.main(attributes(store, tmp_path))
    image = read(tmp_path / "image")
    assert [layer.name for layer in image.layers] == ["base", "files", "light", "rest", "application"]
    assert image.layers[3].paths == (f"{store}/more",)
    config = json.loads(image.config)
    assert config["config"] == {
        "User": "1000:1001",
        "Env": ["A=1", "B=2", "PATH=/bin"],
        "Entrypoint": [f"{store}/app/bin/app"],
        "WorkingDir": "/home/app",
        "ExposedPorts": {"8080/tcp": {}},
        "Volumes": {"/data": {}},
        "Labels": {"l": "1"},
    }
    assert (config["created"], config["architecture"], config["os"]) == ("1980-01-01T00:00:00Z", "amd64", "linux")
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == 5
    manifest = json.loads(image.manifest)
    assert manifest["annotations"] == {"org.opencontainers.image.title": "demo"}
    assert manifest["config"]["digest"] == digest_of(image.config)
    assert (tmp_path / "image/digest").read_text() == f"{digest_of(image.manifest)}\n"
    closure = json.loads((tmp_path / "image/closure.json").read_text())
    assert {path["path"].rpartition("/")[2]: path["layer"] for path in closure["paths"]} == {
        "app": "application", "base": "base", "licenses": "base", "more": "rest", "wheel": "light",
    }  # fmt: skip
    files = {entry.path: entry for entry in image.layers[1].entries}
    assert files["etc/passwd"].text == "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"
    assert files["etc/group"].text == "root:x:0:\napp:x:1001:\n"
    assert (files["home/app"].uid, files["home/app"].gid, files["home"].uid) == (1000, 1001, 0)
    assert files["tmp"].mode == 0o1777


def test_the_same_image_again_is_the_same_to_the_byte(store: Path, tmp_path: Path) -> None:
    make.main(attributes(store, tmp_path))
    before = {path.name: path.read_bytes() for path in (tmp_path / "image").iterdir()}
    make.main(attributes(store, tmp_path, outputs={"out": str(tmp_path / "again")}))
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()} == before


def test_a_planned_layer_that_the_closure_lacks_comes_with_the_rest(store: Path, tmp_path: Path) -> None:
    given = attributes(store, tmp_path)
    given["closure"] = [node for node in given["closure"] if not node["path"].endswith("wheel")]
    make.main(given)
    assert [layer.name for layer in read(tmp_path / "image").layers] == ["base", "files", "rest", "application"]


def test_development_is_refused_unless_it_is_allowed(store: Path, tmp_path: Path) -> None:
    development = {f"{store}/more": {"name": "cc", "why": "the toolchain's role `cc'"}}
    with pytest.raises(SystemExit) as ended:
        make.main(attributes(store, tmp_path, development=development))
    assert (
        f"  {store}/more: the toolchain's role `cc'. It is there because\n    {store}/app\n    refers to {store}/more\n"
        in str(ended.value)
    )
    assert not (tmp_path / "image").exists()
    make.main(attributes(store, tmp_path, development=development, allowed=["cc"]))
    assert (tmp_path / "image").exists()


@pytest.mark.parametrize(
    ("entrypoint", "words"),
    [
        ([], "has no entry point: let its option `entrypoint' name the program that a container starts"),
        ([""], "has no entry point: let its option `entrypoint' name the program that a container starts"),
        (
            ["/bin/nope"],
            "starts /bin/nope, which is not in it: let its option `entrypoint' name a program of its package or contents",
        ),
        (
            ["STORE/app/bin/nope", "--help"],
            "starts STORE/app/bin/nope, which is not in it: let its option `entrypoint' name a program of its package or contents",
        ),
        (
            ["nope"],
            "starts nope, which is not in it in its PATH (/bin:STORE/app/bin): let its option `entrypoint' name a program of its package or contents",
        ),
        (
            ["bin/app"],
            "starts bin/app, which depends on the working directory: let its option `entrypoint' begin with a whole path",
        ),
        (["STORE/app/bin"], "starts STORE/app/bin, which is no program: it is a folder, or cannot be executed"),
        (["STORE/app/text"], "starts STORE/app/text, which is no program: it is a folder, or cannot be executed"),
        # The host's, which the image does not have.
        (
            ["/etc/passwd"],
            "starts /etc/passwd, which is not in it: let its option `entrypoint' name a program of its package or contents",
        ),
    ],
)
def test_an_entry_point_that_cannot_start_is_refused(
    store: Path, tmp_path: Path, entrypoint: list[str], words: str
) -> None:
    (store / "app/text").write_text("no program")
    (store / "app/text").chmod(0o444)
    given = attributes(store, tmp_path)
    given["settings"]["environment"]["PATH"] = f"/bin:{store}/app/bin"
    given["settings"]["entrypoint"] = [word.replace("STORE", str(store)) for word in entrypoint]
    with pytest.raises(SystemExit) as refused:
        make.main(given)
    assert refused.value.code == f"the image default {words.replace('STORE', str(store))}"
    assert not (tmp_path / "image").exists()


@pytest.mark.parametrize("first", ["/bin/sh", "sh", "app", "STORE/app/bin/app"])
def test_an_entry_point_by_its_path_by_a_link_or_by_its_name(store: Path, tmp_path: Path, first: str) -> None:
    given = attributes(store, tmp_path)
    given["settings"]["environment"]["PATH"] = f"/bin:{store}/app/bin"
    given["settings"]["entrypoint"] = [first.replace("STORE", str(store))]
    make.main(given)
    assert (tmp_path / "image/digest").exists()


def judged(store: Path, tmp_path: Path, **options: Any) -> list[str]:  # noqa: ANN401 - of any type, as in Nix
    given = attributes(store, tmp_path)
    case = judge.read(
        {
            "images": {"default": str(tmp_path / "image")},
            "options": {"default": {"allowRoot": False, "allowed": [], **options}},
            "development": {},
            "closure-default": given["closure"],
            "sitePackages": "site",
            "licenses": f"{store}/licenses",
        },
        "default",
    )
    return judge.judge(case)


def test_a_good_image_passes_and_all_controls_are_caught(store: Path, tmp_path: Path) -> None:
    make.main(attributes(store, tmp_path))
    assert judged(store, tmp_path) == []


def test_a_swapped_layer_is_told(store: Path, tmp_path: Path) -> None:
    make.main(attributes(store, tmp_path))
    (store / "wheel/bin/wheel").chmod(0o755)
    (store / "wheel/bin/wheel").write_text("other")
    (store / "wheel/bin/wheel").chmod(0o555)
    (problem,) = judged(store, tmp_path)
    assert problem.startswith("the layer light is sha256:")


def test_root_is_told(store: Path, tmp_path: Path) -> None:
    given = attributes(store, tmp_path, user="0:0")
    given["settings"]["user"] = "0:0"
    make.main(given)
    assert judged(store, tmp_path) == ["the user 0:0 is root"]
    assert "the check is blind" not in "".join(judged(store, tmp_path, allowRoot=True))


def test_a_package_without_a_licence_text_is_told(store: Path, tmp_path: Path) -> None:
    folder = store / "wheel/site/two_words-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Name: two-words\nLicense-Expression: Apache-2.0 OR MIT\n")
    make.main(attributes(store, tmp_path))
    assert judged(store, tmp_path) == [
        (
            "two-words carries no licence text, and the image has no text of Apache-2.0, MIT;"
            " name one by cloche.images.default.licenses.two-words, or add LICENSE to the project where it is yours"
        )
    ]
    (folder / "METADATA").write_text("Name: two-words\n")
    make.main(attributes(store, tmp_path, outputs={"out": str(tmp_path / "second")}))
    (tmp_path / "image").rename(tmp_path / "first")
    (tmp_path / "second").rename(tmp_path / "image")
    assert "and its metadata has no licence expression" in judged(store, tmp_path)[0]
    (folder / "licenses").mkdir()
    (folder / "licenses/LICENSE.txt").write_text("text")
    (tmp_path / "image").rename(tmp_path / "old")
    make.main(attributes(store, tmp_path))
    assert judged(store, tmp_path) == []


def test_entry_point_that_the_image_does_not_hold(store: Path, tmp_path: Path) -> None:
    absent = f"{store}/{'a' * 32}-prog"
    given = attributes(store, tmp_path)
    given["settings"] = {**given["settings"], "entrypoint": [f"{absent}/bin/prog"]}
    with pytest.raises(SystemExit) as raised:
        make.main(given)
    assert str(raised.value) == (
        f"the image default names {absent} (in its entry point, command, environment or labels) and does not hold it; "
        "add it to cloche.images.default.contents"
    )
    assert not Path(given["outputs"]["out"]).exists()
