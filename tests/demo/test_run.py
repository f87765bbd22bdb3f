"""Files that the demo may replace; the demo itself is too long for a test."""

import json

import pytest

from summgan.demo import run
from summgan.errors import SummGANError
from summgan.files import write_folder


class Stopped(Exception):
    """The demo reached its first training."""


@pytest.fixture
def begin(monkeypatch, tmp_path):
    """Run the demo until its first training."""

    def stop(options, say):
        raise Stopped

    def go():
        with pytest.raises(Stopped):
            run.run_demo(tmp_path / "demo", 0, lambda sentence: None)

    monkeypatch.setattr(run, "train", stop)
    corpus = run.build_corpus(30, 20, 5, 7)
    monkeypatch.setattr(run, "build_corpus", lambda seed: corpus)
    return go


def old_run(folder):
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text('{"step": 1, "generator_grad_norm": 1.0}\n')
    (folder / "report.html").write_text("<title>summgan, step 4</title>")
    for name in ("checkpoint-4", "best", "diverged-5"):
        write_folder(folder / name, lambda path: (path / "config.json").write_text("{}"))


def test_a_former_demo_is_replaced_and_notes_beside_it_stay(begin, tmp_path):
    begin()
    demo = tmp_path / "demo"
    (demo / "scores.json").write_text(json.dumps({"lead": {}, "plain_autoencoder": {}}))
    (demo / "report.html").write_text("<html><title>summgan demo</title>")
    old_run(demo / "plain_autoencoder")
    for name in ("notes.txt", "plain_autoencoder/notes.txt", "plain_autoencoder/checkpoint-4/notes.txt"):
        (demo / name).write_text("dear to me")
    begin()
    left = {str(path.relative_to(demo / "plain_autoencoder")) for path in demo.glob("plain_autoencoder/**/*")}
    assert left == {"notes.txt", "checkpoint-4"} | {
        f"checkpoint-4/{name}" for name in ("notes.txt", "config.json", "summgan.json")
    }
    assert (demo / "notes.txt").exists() and (demo / "corpus" / "documents.txt").exists()


@pytest.mark.parametrize("name", ["corpus/documents.txt", "corpus", "scores.json", "report.html"])
def test_what_is_not_of_a_demo_is_refused_at_the_start(begin, tmp_path, name):
    path = tmp_path / "demo" / name
    path.parent.mkdir(parents=True)
    path.write_text("dear to me")
    with pytest.raises(SummGANError, match=f"{name.split('/')[0]}.*move"):
        run.run_demo(tmp_path / "demo", 0, print)
    assert path.read_text() == "dear to me"


def test_a_file_is_no_folder_for_the_demo(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SummGANError, match="file is a file, not a folder: name another --output_dir"):
        run.run_demo(tmp_path / "file" / "demo", 0, print)
