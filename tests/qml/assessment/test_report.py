"""Reports as text and Markdown, and pictures that can be read."""

import io

import numpy as np
import pytest

from qml.assessment.report import Grid, Heading, Items, Listing, Paragraph, Picture, markdown, terminal


class TestBlocks:
    def test_tables_are_escaped(self):
        assert "| a\\|b |" in markdown([Grid(("x",), (("a|b",),))])

    def test_columns_line_up(self):
        text = terminal([Grid(("model", "score"), (("a", "1"), ("longer name", "0.25")))])
        assert text == "model        score\na                1\nlonger name   0.25\n"

    def test_a_wide_table_is_continued_below_with_its_first_column(self):
        header = ("model", *(f"score {number}" for number in range(8)))
        text = terminal([Grid(header, (("a" * 30, *"01234567"), ("b", *"89abcdef")))], width=40)
        assert max(map(len, text.splitlines())) <= 40
        parts = text.rstrip("\n").split("\n\n")
        assert len(parts) > 2
        assert all(part.splitlines()[0].startswith("model ") for part in parts)
        assert all(part.splitlines()[1] == "a" * 20 for part in parts), "the name is wrapped, not cut"
        cells = [cell for line in (2, 3) for part in parts for cell in part.splitlines()[line].split()[1:]]
        assert "".join(cells) == "0123456789abcdef"

    def test_words_are_not_broken(self):
        digest = "sha256:" + "0123456789abcdef" * 4
        text = terminal([Items((f"model {digest}",)), Paragraph("well-known " * 9)], width=40)
        assert digest in text.split()
        assert set(text.split()[2:]) == {"well-known"}

    def test_a_listing_for_the_terminal(self):
        assert terminal([Listing("a\n  b\x1b", on_terminal=True)]) == "a\n  b\\x1b\n"

    def test_every_kind_of_block_is_shown(self):
        blocks = [Heading("h"), Paragraph("p"), Items(("i",)), Listing("l"), Picture("f", "c"), Heading("again")]
        assert markdown(blocks) == "# h\n\np\n\n- i\n\n```text\nl\n```\n\n![c](f)\n\n## again\n"
        assert terminal(blocks) == "h\n-\n\np\n\ni\n\nagain\n-----\n"


class TestPlots:
    @pytest.fixture(autouse=True)
    def _matplotlib(self):
        pytest.importorskip("matplotlib")

    def drawn(self, path):
        """The picture, which must show something besides white."""
        from matplotlib.image import imread

        picture = imread(path)
        assert min(picture.shape[:2]) > 150
        assert (picture[..., :3] < 0.9).any(axis=2).mean() > 0.005
        return picture

    @pytest.mark.parametrize("scores", [None, [0.5, 0.8, 0.7]])
    def test_training(self, tmp_path, scores):
        from qml.plots.training import draw_training

        draw_training([0.7, 0.5, 0.4], scores, tmp_path / "t.png", best_epoch=2)
        self.drawn(tmp_path / "t.png")

    def test_training_of_one_epoch_and_a_diverged_one(self, tmp_path):
        from qml.plots.training import draw_training

        draw_training([0.7], None, tmp_path / "one.png")
        draw_training([0.7, np.nan], [0.5, np.nan], tmp_path / "nan.png", best_epoch=1)
        self.drawn(tmp_path / "one.png")
        self.drawn(tmp_path / "nan.png")

    @pytest.mark.parametrize("labels", [["yes", "no"], list(range(10)), ["a very long class name", "b", "c"]])
    def test_confusion(self, tmp_path, labels):
        from qml.plots.classes import draw_confusion

        draw_confusion(np.eye(len(labels), dtype=int) * 7, labels, tmp_path / "c.png")
        self.drawn(tmp_path / "c.png")

    def test_predictions(self, tmp_path):
        from qml.plots.training import draw_predictions

        draw_predictions([1.0, 2.0, 3.0], [1.1, 1.9, 3.2], "price", tmp_path / "p.png")
        self.drawn(tmp_path / "p.png")

    def test_circuit(self, tmp_path):
        from qml.plots import plot_circuit
        from simulator import Circuit

        plot_circuit(Circuit(2).h(0).cx(0, 1), tmp_path / "c.png")
        assert (tmp_path / "c.png").stat().st_size > 1000


def test_a_report_is_printed_where_the_terminal_knows_only_ascii(monkeypatch):
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output, encoding="ascii", newline="\n"))
    table = Grid(("model", "score"), (("K\u00f6ln", "0.9 \u00b1 0.1"), ("\u6771\u4eac", "0.8")))
    print(terminal([Heading("R\u00b2"), table, Paragraph("\u2026 done")]), flush=True)
    lines = output.getvalue().decode("ascii").splitlines()
    assert lines[0] == "R2"
    assert "Koln          0.9 +- 0.1" in lines
    assert "\\u6771\\u4eac         0.8" in lines
    assert "~ done" in lines
