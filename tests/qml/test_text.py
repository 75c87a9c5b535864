"""Text that is shown: rendered by other people's Markdown and Matplotlib, it must look as it was written."""

import html
import unicodedata
from html.parser import HTMLParser
from importlib import import_module

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from qml.assessment.report import Grid, Heading, Items, Listing, Paragraph, Picture, terminal
from qml.assessment.report import markdown as whole_report
from qml.explain import Explanation
from qml.fairness import FairnessReport
from qml.text import markdown, mathtext, one_line
from qumba import VariationalClassifier
from simulator.parameters import Expression

HOSTILE = [
    "$",
    "$$",
    "$10k-$20k",
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/pixel.png)",
    "a|b",
    "a\\|b",
    "ends in \\",
    "`code` and ```",
    "*bold* _slanted_ ~~struck~~",
    "# heading #",
    "- item",
    "+",
    "---",
    "- - -",
    "12. item",
    "1) item",
    "> quote",
    "&amp; &#60;",
    "[^1]: note",
    "two\nlines\r\n\n# and a heading",
    "\x1b]0;title\x07\x1b[2J",
    "left \u202eto\u2066 right\u2028",
    "\ud800 alone",
    "Größe 木 \u200d\u2642",
]

pieces = st.lists(st.sampled_from([*HOSTILE, *"\\`*_{}[]()<>#+-.!|~$&;:='\"09 ab\n\t"]), max_size=6).map("".join)


class Page(HTMLParser):
    """Tags and text of rendered HTML."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def rendered():
    """Markdown as a page, by a renderer of CommonMark and GitHub's tables."""
    parser = pytest.importorskip("markdown_it", reason="the renderer comes with jupytext, in the extra [dev]")
    renderer = parser.MarkdownIt("gfm-like", {"linkify": False})
    return lambda source: Page(renderer.render(source))


def squeezed(text: str) -> str:
    return " ".join(text.split(" ")).strip()


class TestOneLine:
    @given(st.one_of(st.text(), pieces))
    @example("\ud800\x00\x1b\x7f\x9b")
    def test_nothing_steers_a_terminal(self, text):
        shown = one_line(text)
        assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cs", "Zl", "Zp"}
        assert not set(shown) & set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
        assert shown.encode("utf-8").decode() == shown
        assert one_line(shown) == shown

    @pytest.mark.parametrize("text", ["plain", "Größe in m²", "木", "a\u00a0b", "\u200d", "back\\slash $1 <b>", ""])
    def test_what_can_be_read_stays(self, text):
        assert one_line(text) == text

    def test_escapes_are_those_of_python(self):
        assert one_line("a\tb\r\n\x1b[31m\u202e\ud800") == r"a\tb\r\n\x1b[31m\u202e\ud800"

    def test_anything_is_shown_by_its_text(self):
        assert one_line(np.int64(3)) == "3"


class TestMarkdown:
    @settings(deadline=None)
    @given(pieces)
    @pytest.mark.parametrize(
        ("before", "after", "tags"),
        [
            ("", "", ["p"]),
            ("# ", "", ["h1"]),
            ("- ", "", ["ul", "li"]),
            ("| ", " |\n| --- |", ["table", "thead", "tr", "th"]),
        ],
        ids=["paragraph", "heading", "item", "cell"],
    )
    def test_renders_as_the_text(self, rendered, before, after, tags, text):
        if one_line(text).strip():  # an empty paragraph has no tag
            page = rendered(before + markdown(text) + after)
            assert squeezed(page.text.replace("\n", "")) == squeezed(one_line(text))
            assert page.tags == tags

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_in_a_report(self, rendered, text):
        report = whole_report(
            [
                Heading(text),
                Items((text,)),
                Paragraph(text),
                Grid((text, "score"), ((text, "0.5"),)),
                Picture("a.png", "A"),
                Listing(text),
            ]
        )
        page = rendered(report)
        expected = "h1 ul li p table thead tr th th tbody tr td td p img pre code"
        assert page.tags == expected.split()
        assert page.text.count(one_line(text)) >= 5


class TestTerminal:
    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_in_a_report(self, text):
        blocks = [Heading(text), Items((text,)), Paragraph(text), Grid((text, "score"), ((text, "0.5"),))]
        shown = terminal(blocks, width=200)
        lines = [line for line in shown.split("\n") if line]
        assert len(lines) == 6
        assert shown.count(one_line(text)) >= 5
        assert all(one_line(line) == line for line in lines)


class TestMathtext:
    @pytest.fixture(autouse=True)
    def _matplotlib(self):
        pytest.importorskip("matplotlib")

    def pixels(self, text, **options):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4, 0.5))
        canvas = FigureCanvasAgg(figure)
        figure.text(0.05, 0.4, text, **options)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())

    @pytest.mark.parametrize("text", ["$", "$$", "$x$", "$10k-$20k", r"\$5", r"a\\$b$", r"$\frac$", "5 € \\"])
    def test_drawn_like_text_that_is_not_parsed(self, text):
        expected = self.pixels(text, parse_math=False)
        assert (expected < 128).any()
        np.testing.assert_array_equal(self.pixels(mathtext(text)), expected)

    def test_where_nothing_is_parsed_nothing_is_escaped(self):
        from matplotlib import rc_context

        with rc_context({"text.parse_math": False}):
            assert mathtext("$x$") == "$x$"

    @pytest.mark.parametrize("name", ["$$", "$10k-$20k$", r"$\frac$", "two\nlines", "\x1b[31m"])
    def test_every_picture_with_names(self, tmp_path, name):
        from matplotlib.text import Text

        from qml import plots
        from qml.assessment.backends import BackendComparison
        from qml.assessment.kernels import Concentration

        path = tmp_path / "picture.png"
        plots.training.draw_training([0.7, 0.5], [0.5, 0.6], path, score_name=name)
        plots.classes.draw_confusion(np.eye(2, dtype=int), [name, "other"], path)
        plots.training.draw_predictions([1.0, 2.0], [1.1, 1.9], name, path)
        figures = [
            plots.plot_kernel_matrix(np.eye(4), [name, name, "other", "other"], path, title=name),
            plots.plot_spectrum({name: np.eye(3)}, path),
            plots.plot_concentration({name: Concentration((2, 3), (0.5, 0.4), (0.2, 0.1))}, path),
            BackendComparison(
                names=(name, f"{name} #2"),
                observables=("Z(0)",),
                values=np.zeros((2, 3, 1)),
                standard_errors=np.zeros((2, 3, 1)),
                predictions=np.zeros((2, 3)),
                scores=None,
                is_classifier=True,
            ).plot(path),
        ]
        for figure in figures:
            shown = [text.get_text().replace(r"\$", "$") for text in figure.findobj(Text)]
            assert any(one_line(name) in text for text in shown)


PACKAGES = ("simulator", "qml", "qml.accounts", "qml.deploy", "qml.diagnostics", "qml.explain", "qml.fairness")


def test_notebooks_show_what_print_does():
    """A result whose ``str`` is a table or a text would be shown as its ``repr``, a page of fields."""
    public = [getattr(module, name) for module in map(import_module, PACKAGES) for name in dir(module)]
    kinds = {kind for kind in public if isinstance(kind, type) and not issubclass(kind, BaseException | Expression)}
    ours = {kind for kind in kinds if kind.__module__.startswith(("qml", "simulator"))}
    printed = {kind for kind in ours if kind.__str__ not in (object.__str__, BaseEstimator.__str__)}
    assert {Explanation, FairnessReport} <= printed
    assert [kind for kind in printed if not {"_repr_html_", "_repr_markdown_"} & set(dir(kind))] == []
    plan = VariationalClassifier(n_layers=1).plan([[0.0], [1.0]], y=[0, 1])
    assert html.unescape(plan._repr_html_()).split(">", 1)[1] == f"{plan}</pre>"
