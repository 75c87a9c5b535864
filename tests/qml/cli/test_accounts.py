"""Sensitive columns, fairness, cards and logs from the shell."""

import csv
import json

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_diabetes

from qml import load
from qml.accounts import model_digest, verify
from qml.cli import main
from qml.explain import explain
from qml.fairness import fairness_of_predictions
from qml.tables import read_table

BAD_INPUT, CHANGED = 2, 1
QUICK = [
    "--epochs",
    "5",
    "--layers",
    "1",
    "--qubits",
    "4",
    "--cv",
    "0",
    "--candidates",
    "1",
    "--no-twin",
    "-q",
    "--no-plots",
]


def patients(n_rows=240):
    """A table with a sensitive column, of real data; half of the patients are called fast."""
    data = load_diabetes(as_frame=True, scaled=False).frame.iloc[:n_rows]
    fast = np.where(data["target"] > data["target"].median(), "fast", "slow")
    return {
        "age": data["age"].astype(int).tolist(),
        "sex": data["sex"].astype(int).tolist(),
        **{name: data[name].tolist() for name in ("bmi", "bp", "s3", "s5")},
        "progression": fast.tolist(),
    }


def write(path, columns):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return str(path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = write(folder / "patients.csv", patients())
    command = [
        "train",
        data,
        "-t",
        "progression",
        "--sensitive",
        "sex",
        "--positive",
        "fast",
        "-o",
        str(folder / "out"),
    ]
    assert main([*command, *QUICK]) == 0
    return folder


def refused(capsys, *arguments):
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == BAD_INPUT
    return capsys.readouterr().err


class TestSensitiveColumns:
    def test_the_report_names_the_column_and_compares_its_groups(self, trained):
        report = json.loads((trained / "out" / "report.json").read_text(encoding="utf-8"))
        assert "left out: sex (sensitive, kept beside the features)" in report["data"]
        assert "sensitive, not a feature: sex, groups 1, 2" in report["data"]
        assert list(report["fairness"]["columns"]) == ["sex"]
        assert report["fairness"]["positive"] == "fast"
        assert report["fairness"]["rows"] == report["test_rows"]
        text = (trained / "out" / "report.md").read_text(encoding="utf-8")
        assert "Selected means: predicted fast" in text

    def test_it_is_provably_not_a_feature(self, trained):
        model = load(trained / "out" / "model.qumba")
        assert model.schema.sensitive == ("sex",)
        assert "sex" not in model.schema.feature_names
        assert model.estimator.n_features_in_ == 5
        import pandas as pd

        frame = pd.DataFrame(patients())
        expected = model.predict_proba(frame)
        rng = np.random.default_rng(0)
        for _ in range(3):
            frame["sex"] = rng.permutation(frame["sex"])
            np.testing.assert_array_equal(model.predict_proba(frame), expected)
        np.testing.assert_array_equal(model.predict_proba(frame.drop(columns="sex")), expected)

    def test_training_is_the_same_whatever_the_column_holds(self, trained, tmp_path):
        columns = patients()
        columns["sex"] = np.random.default_rng(0).permutation(columns["sex"]).tolist()
        data = write(tmp_path / "patients.csv", columns)
        assert (
            main(["train", data, "-t", "progression", "--sensitive", "sex", "-o", str(tmp_path / "out"), *QUICK]) == 0
        )
        one, two = (load(folder / "out" / "model.qumba") for folder in (trained, tmp_path))
        np.testing.assert_array_equal(one.weights_, two.weights_)

    def test_numbers_are_cut_at_their_quartiles_and_gaps_are_a_group(self, tmp_path, capsys):
        columns = patients()
        columns["sex"][:30] = [""] * 30
        data = write(tmp_path / "p.csv", columns)
        command = [
            "train",
            data,
            "-t",
            "progression",
            "--sensitive",
            "age",
            "--sensitive",
            "sex",
            "-o",
            str(tmp_path / "o"),
        ]
        assert main([*command, *QUICK]) == 0
        report = json.loads((tmp_path / "o" / "report.json").read_text(encoding="utf-8"))
        assert list(report["fairness"]["columns"]) == ["age", "sex", "age x sex"]
        assert "age: numbers, cut into groups at their quartiles" in report["data"]
        assert "sex: 30 empty, a group of their own" in report["data"]
        groups = [group["group"] for group in report["fairness"]["columns"]["sex"]["groups"]]
        assert groups == ["(empty)", "1", "2"]

    def test_unsuitable_columns(self, tmp_path, capsys):
        columns = patients(60)
        columns["country"] = ["CH"] * 60
        columns["city"] = [f"city {row % 25}" for row in range(60)]
        data = write(tmp_path / "p.csv", columns)
        train = ["train", data, "-t", "progression", "-o", str(tmp_path / "o"), *QUICK]
        assert "has no column 'sexx'; did you mean 'sex'?" in refused(capsys, *train, "--sensitive", "sexx")
        assert "--sensitive country: it is always 'CH'" in refused(capsys, *train, "--sensitive", "country")
        assert "--sensitive city: it has 25 different values" in refused(capsys, *train, "--sensitive", "city")
        assert "'progression' is the target" in refused(capsys, *train, "--sensitive", "progression")
        assert "--positive fasst: expected one of" in refused(
            capsys, *train, "--sensitive", "sex", "--positive", "fasst"
        )
        assert "name their column with --sensitive" in refused(capsys, *train, "--positive", "fast")
        both = refused(capsys, *train, "--sensitive", "sex", "--keep", "sex")
        assert "'sex' is sensitive, so it is not a feature" in both

    def test_groups_are_compared_by_a_quantity_too(self, quantities):
        report = json.loads((quantities / "out" / "report.json").read_text(encoding="utf-8"))["fairness"]
        assert (report["task"], report["positive"]) == ("regression", None)
        assert list(report["columns"]["sex"]["gaps"])[:2] == ["mean target difference", "mean prediction difference"]
        assert "| mean absolute error |" in (quantities / "out" / "report.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def quantities(tmp_path_factory):
    """A folder with a table whose target is a quantity, and the output of training on it."""
    folder = tmp_path_factory.mktemp("quantities")
    columns = patients(80)
    columns["progression"] = load_diabetes(scaled=False).target[:80].tolist()
    data = write(folder / "patients.csv", columns)
    assert main(["train", data, "-t", "progression", "--sensitive", "sex", "-o", str(folder / "out"), *QUICK]) == 0
    return folder


class TestFairness:
    def test_a_feature_is_not_a_proxy_of_itself(self, trained, tmp_path):
        model, data, numbers = (str(trained / name) for name in ("out/model.qumba", "patients.csv", "age.json"))
        assert main(["fairness", model, data, "--sensitive", "age", "--json", numbers]) == 0
        proxies = json.loads((trained / "age.json").read_text(encoding="utf-8"))["proxies"]["age"]["features"]
        features = load(model).schema.feature_names
        assert "age" in features
        assert sorted(proxy["feature"] for proxy in proxies) == sorted(name for name in features if name != "age")

    def test_it_prints_data_proxies_and_rates(self, trained, capsys, tmp_path):
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        numbers = tmp_path / "fairness.json"
        command = ["fairness", model, data, "--sensitive", "sex", "--positive", "fast", "--json", str(numbers)]
        assert main(command) == 0
        out = capsys.readouterr().out
        for words in ("Groups in the data", "Proxies of sex", "Fairness", "share of fast", "demographic parity ratio"):
            assert words in out
        content = json.loads(numbers.read_text(encoding="utf-8"))
        estimator = load(model).estimator
        import pandas as pd

        frame = pd.DataFrame(patients())
        X = load(model).features(frame)
        expected = fairness_of_predictions(
            frame["progression"],
            estimator.predict(X),
            {"sex": frame["sex"].astype(str)},
            probability=estimator.predict_proba(X)[:, 0],
            positive="fast",
            model=type(estimator).__name__,
        )
        assert content["fairness"] == expected.as_dict()

    def test_a_quantity(self, quantities, capsys, tmp_path):
        model, data = str(quantities / "out" / "model.qumba"), str(quantities / "patients.csv")
        assert main(["fairness", model, data, "-s", "sex", "--json", str(tmp_path / "numbers.json")]) == 0
        out = capsys.readouterr().out
        for words in ("mean target", "Proxies of sex", "mean residual", "RMSE difference"):
            assert words in out
        content = json.loads((tmp_path / "numbers.json").read_text(encoding="utf-8"))["fairness"]["columns"]["sex"]
        import pandas as pd

        frame = pd.read_csv(data)
        error = (frame["progression"] - load(model).predict(frame)).abs()
        for group in content["groups"]:
            expected = error[frame["sex"].astype(str) == group["group"]].mean()
            assert group["mean absolute error"]["value"] == pytest.approx(expected)
        assert "--positive is for classes" in refused(capsys, "fairness", model, data, "-s", "sex", "--positive", "1")
        train = ["train", data, "-t", "progression", "--sensitive", "sex"]
        assert "--positive is for classes" in refused(capsys, *train, "--positive", "1")

    def test_a_picture(self, trained, tmp_path):
        pytest.importorskip("matplotlib")
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        assert main(["fairness", model, data, "-s", "sex", "--plot", str(tmp_path / "f.png")]) == 0
        assert (tmp_path / "f.png").stat().st_size > 5000

    def test_bad_input(self, trained, capsys, tmp_path):
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        assert "has no column 'gender'" in refused(capsys, "fairness", model, data, "-s", "gender")
        assert "--positive quick: expected one of the classes fast, slow" in refused(
            capsys, "fairness", model, data, "-s", "sex", "--positive", "quick"
        )
        columns = patients()
        del columns["progression"]
        other = write(tmp_path / "other.csv", columns)
        assert "has no column 'progression'" in refused(capsys, "fairness", model, other, "-s", "sex")
        load(model).estimator.save(tmp_path / "bare.qumba")
        assert "names no target" in refused(capsys, "fairness", tmp_path / "bare.qumba", data, "-s", "sex")


class TestCard:
    def test_it_is_filled_from_the_model_file(self, trained, capsys):
        model = trained / "out" / "model.qumba"
        assert main(["card", str(model), "--intended-use", "A test.", "--license", "apache-2.0"]) == 0
        assert "card.md written; [More Information Needed] stands " in capsys.readouterr().err
        text = (trained / "out" / "card.md").read_text(encoding="utf-8")
        report = json.loads((trained / "out" / "report.json").read_text(encoding="utf-8"))
        head = yaml.safe_load(text.split("---\n")[1])
        accuracy = report["models"][0]["test"]["accuracy"]
        assert head["model-index"][0]["results"][0]["metrics"][0]["value"] == accuracy
        assert f"| accuracy | {accuracy:.4g} |" in text
        for entry in report["models"]:
            assert f"| {entry['name']} | {entry['test']['accuracy']:.4g} |" in text
        assert report["verdict"].split(":")[0][:60] in text
        for group in report["fairness"]["columns"]["sex"]["groups"]:
            assert f"{group['selection rate']['value']:.3f}" in text
        assert "5 times: 900 simulated circuits" in text
        assert f"numpy {np.__version__}" in text
        assert model_digest(load(model)) in text
        assert "sensitive columns, which are not features: sex" in text
        assert "A test." in text
        assert text.count("[More Information Needed]") == 4  # out of scope, explanation, authors, contact

    def test_an_explanation_from_a_table(self, trained, capsys, tmp_path):
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        assert main(["card", model, "--explain", data, "-o", str(tmp_path / "card.md")]) == 0
        text = (tmp_path / "card.md").read_text(encoding="utf-8")
        examined = text.split("## Model Examination")[1].split("\n## ")[0]
        loaded = load(model)
        table = read_table(data)
        expected = explain(
            loaded, table, loaded.features(table)[:5], np.array(table.column("progression")), random_state=0
        )
        assert f"| {expected.columns[expected.order[0]]} | {expected.importances[expected.order[0]]:.4f} |" in examined
        assert "[More Information Needed]" not in examined
        assert "there is no file" in refused(capsys, "card", model, "--explain", tmp_path / "none.csv")
        empty = write(tmp_path / "empty.csv", {"age": ["1"]})
        assert main(["card", model, "--explain", empty, "-o", str(tmp_path / "none.md")]) == BAD_INPUT
        assert "lacks 4 of the 5 columns the model was trained on" in capsys.readouterr().err

    def test_text_added_by_hand_is_kept(self, trained, capsys, tmp_path):
        path = tmp_path / "card.md"
        command = ["card", str(trained / "out" / "model.qumba"), "-o", str(path)]
        assert main(command) == 0
        path.write_text("completed by hand", encoding="utf-8")
        assert f"{path} exists" in refused(capsys, *command)
        assert path.read_text(encoding="utf-8") == "completed by hand"
        assert main([*command, "--overwrite"]) == 0
        assert path.read_text(encoding="utf-8").startswith("---\n")

    def test_a_model_saved_again_keeps_its_record(self, trained, tmp_path):
        model = load(trained / "out" / "model.qumba")
        model.save(tmp_path / "again.qumba")
        assert load(tmp_path / "again.qumba").record == model.record
        assert main(["card", str(tmp_path / "again.qumba"), "-o", str(tmp_path / "again.md")]) == 0
        assert "| accuracy |" in (tmp_path / "again.md").read_text(encoding="utf-8")

    def test_a_model_saved_from_python_says_what_is_missing(self, trained, tmp_path):
        load(trained / "out" / "model.qumba").estimator.save(tmp_path / "bare.qumba")
        assert main(["card", str(tmp_path / "bare.qumba")]) == 0
        text = (tmp_path / "card.md").read_text(encoding="utf-8")
        assert "seconds of training: not in the model file" in text
        assert text.count("[More Information Needed]") > 8


class TestLog:
    def test_predictions_are_logged_and_verified(self, trained, tmp_path, capsys):
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        log = tmp_path / "decisions.jsonl"
        for _ in range(2):
            assert main(["predict", model, data, "--log", str(log), "-o", str(tmp_path / "p.csv")]) == 0
        result = verify(log)
        assert result.decisions == 480
        assert result.model == model_digest(load(model))
        capsys.readouterr()
        assert main(["log", "verify", str(log), "--model", model]) == 0
        assert "Intact as far as the log itself can show" in capsys.readouterr().out
        assert main(["log", "verify", str(log), "--head", result.head, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["head_line"] == 482

    def test_a_change_is_status_1(self, trained, tmp_path, capsys):
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        log = tmp_path / "decisions.jsonl"
        assert main(["predict", model, data, "--log", str(log), "-o", str(tmp_path / "p.csv")]) == 0
        content = log.read_text()
        log.write_text(content.replace('"prediction":"slow"', '"prediction":"fast"', 1))
        capsys.readouterr()
        assert main(["log", "verify", str(log)]) == CHANGED
        assert "was changed after line" in capsys.readouterr().out

    def test_a_log_of_another_model(self, trained, tmp_path, capsys):
        model, data = str(trained / "out" / "model.qumba"), str(trained / "patients.csv")
        load(model).estimator.save(tmp_path / "bare.qumba")
        log = tmp_path / "decisions.jsonl"
        assert main(["predict", model, data, "--log", str(log), "-o", str(tmp_path / "p.csv")]) == 0
        assert main(["log", "verify", str(log), "--model", str(tmp_path / "bare.qumba")]) == CHANGED
        assert "OTHER MODEL" in capsys.readouterr().out
        columns = patients()
        del columns["sex"], columns["progression"]
        bare = write(tmp_path / "bare.csv", columns)
        refusal = refused(capsys, "predict", tmp_path / "bare.qumba", bare, "--log", log)
        assert "is the log of the model" in refusal

    def test_bad_input(self, tmp_path, capsys):
        assert "there is no log" in refused(capsys, "log", "verify", tmp_path / "missing.jsonl")
        (tmp_path / "text").write_text("text\n")
        assert main(["log", "verify", str(tmp_path / "text")]) == CHANGED
