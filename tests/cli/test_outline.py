"""``summgan outline``: printed lines, records and the page."""

import json

from summgan.cli.main import main


def test_outlines_are_printed_or_written(tiny_paths, documents, write, tmp_path, capsys):
    tiny_paths.save(tmp_path / "model")
    file = write("documents.txt", [*documents[:2], "!!!", documents[2]])
    call = ["outline", file, "--model", str(tmp_path / "model"), "--lengths", "2", "4"]
    assert main(call) == 1
    printed, told = capsys.readouterr()
    blocks = printed.rstrip("\n").split("\n\n")
    assert [len(line.split()) for line in blocks[0].split("\n")] == [2, 4]
    assert blocks[0].split("\n")[1].startswith("  ")
    assert "1 of 4 rows could not be outlined" in told
    output = tmp_path / "outlines.jsonl"
    assert main([*call, "--output", str(output)]) == 1
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["line"] for row in rows[:2]] == [1, 2] and "error" in rows[2]
    assert [len(level.split()) for level in rows[3]["outline"]] == [2, 4]
    assert main([*call, "--output", str(tmp_path / "outlines.csv")]) == 2
    assert main(["outline", file, "--model", str(tmp_path / "model"), "--lengths", "4", "2"]) == 2


def test_a_page_unfolds_each_document_and_replaces_nothing_else(tiny_paths, write, tmp_path, capsys):
    tiny_paths.save(tmp_path / "model")
    text = "The <b>council</b> opens a new library & a school near the river."
    file, page = write("documents.txt", [text, "!!!"]), tmp_path / "outline.html"
    call = ["outline", file, "--model", str(tmp_path / "model"), "--lengths", "2", "4", "--page"]
    for _ in range(2):  # the second call replaces the first page
        assert main([*call, str(page)]) == 1
    printed, told = capsys.readouterr()
    assert printed == "" and "with 1 of 2 documents" in told and "1 of 2 rows could not be outlined" in told
    made = page.read_text(encoding="utf-8")
    assert made.count("<article>") == 1 and made.count("<li>") == 2
    assert made.count('data-level="0"') == 2 and made.count('data-level="1"') == 2
    assert "<b>" not in made and "&lt;" in made and "library" in made and " &amp; " in made
    before = sorted(path.name for path in tmp_path.iterdir())
    for other, message in (
        (tmp_path / "none" / "outline.html", "the folder does not exist"),
        (tmp_path / "outline.txt", "the extension must be .html"),
        (write("mine.html", ["<html>"]), "is not a page of outlines"),
        (tmp_path, "the extension must be .html"),
    ):
        assert main([*call, str(other)]) == 2
        told = capsys.readouterr().err
        assert f"--page {other}" in told and message in told and told.count("\n") == 1
    assert main([*call, str(page), "--output", str(tmp_path / "o.jsonl"), "--resume"]) == 2
    assert "leave --resume out" in capsys.readouterr().err
    assert sorted({*before, "mine.html"}) == sorted(path.name for path in tmp_path.iterdir())
    assert page.read_text(encoding="utf-8") == made
