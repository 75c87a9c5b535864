"""Frame of the page of an explanation, and the texts on its methods."""

from string import Template

__all__ = ["METHODS", "PAGE"]

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 0 auto; padding: 1rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin-bottom: .2rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p, li { max-width: 50rem; }
.quiet { color: #555; font-size: .9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem .7rem .2rem 0; border-bottom: 1px solid #e5e5e5; vertical-align: top; }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { position: relative; display: inline-block; width: 11rem; height: .85rem; background: #f2f2f2;
  vertical-align: middle; overflow: hidden; }
.bar i { position: absolute; top: 0; bottom: 0; }
.up { background: #D55E00; } .down { background: #0072B2; }
details { border: 1px solid #ddd; border-radius: 4px; padding: .4rem .8rem; margin: .5rem 0; }
summary { cursor: pointer; }
pre { background: #f6f6f6; padding: .7rem; overflow-x: auto; font-size: .88rem; }
img { max-width: 100%; height: auto; }
@media (max-width: 40rem) { .bar { width: 4.5rem; } body { padding: .5rem 1rem 3rem; } }
@media print { details { break-inside: avoid; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="quiet">Written $date by qumba $version. This page has no scripts and loads nothing.</p>
<h2>In short</h2>
$summary
$body
</body>
</html>
""")

METHODS = (
    (
        "Shapley value",
        "The difference between a row's output and the mean output of the background rows, divided among the columns: "
        "the mean, over all orders of the columns, of what a column adds to those before it; unknown columns are "
        "averaged over the background. Lundberg and Lee, arXiv:1705.07874.",
    ),
    (
        "Permutation loss",
        "How much the quality falls when a column's rows are shuffled; mean and standard deviation of ten times. "
        "Breiman, Machine Learning 45 (2001) 5.",
    ),
    (
        "Derivative x deviation",
        "Mean absolute derivative of the outputs with respect to the column, times its standard deviation. "
        "Simonyan and others, arXiv:1312.6034.",
    ),
    (
        "Nearest other input",
        "The nearest input with another prediction, within the range of the rows of reference; distances in standard "
        "deviations, 1 for a category. Wachter and others, arXiv:1711.00399.",
    ),
    (
        "Surrogates",
        "Least squares, logistic regression and a tree, fitted to the model's predictions rather than to the truth. "
        "Standard errors and p-values tell how far the rows determine the coefficients; the model has no noise.",
    ),
    (
        "Layers and gates",
        "Shapley values of parts of the trained circuit; a part that is removed does nothing, and nothing is trained "
        "again. Heese and others, arXiv:2301.09138.",
    ),
    (
        "Fourier series",
        "The circuit's outputs are a trigonometric polynomial in its angles; the shares of its variance (Sobol "
        "indices) follow from the coefficients exactly. Schuld, Sweke and Meyer, arXiv:2008.08605.",
    ),
    (
        "Removing and inserting",
        "Columns are removed, or made known, in the order of the explanation; a faithful order changes the output "
        "faster than random ones. Petsiuk, Das and Saenko, arXiv:1806.07421.",
    ),
)
