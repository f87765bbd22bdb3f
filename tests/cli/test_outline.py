"""The command that outlines documents."""

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
    assert "1 rows could not be outlined" in told
    output = tmp_path / "outlines.jsonl"
    assert main([*call, "--output", str(output)]) == 1
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [row["line"] for row in rows[:2]] == [1, 2] and "error" in rows[2]
    assert [len(level.split()) for level in rows[3]["outline"]] == [2, 4]
    assert main([*call, "--output", str(tmp_path / "outlines.csv")]) == 2
    assert main(["outline", file, "--model", str(tmp_path / "model"), "--lengths", "4", "2"]) == 2
