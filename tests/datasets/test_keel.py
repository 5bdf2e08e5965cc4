"""KEEL's format: headers as they occur, dtypes, gaps, and what is refused."""

import pandas as pd
import pytest

from imbdeep.datasets import load_keel

TABLE = """\
@relation  'Some patients'
% a comment
@attribute Age integer[18, 99]
@attribute 'body mass' real [10.5,60]
@attribute city{Ulm, Bonn,'New York'}
@ATTRIBUTE Class {negative, positive}
@inputs Age, 'body mass', city
@outputs Class
@data
31,  20.5 , Ulm, negative

<null>, ?, New York, positive
45, 1e1, <null> , negative
"""


@pytest.fixture
def write(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "table.dat"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_dtypes_gaps_and_names(write):
    bunch = load_keel(write(TABLE))
    assert bunch.name == "Some patients"
    assert bunch.feature_names == ["Age", "body mass", "city"]
    assert bunch.target_name == "Class"
    expected = pd.DataFrame(
        {
            "Age": pd.array([31, None, 45], dtype="Int64"),
            "body mass": [20.5, None, 10.0],
            "city": pd.Categorical(
                ["Ulm", "New York", None], categories=["Ulm", "Bonn", "New York"]
            ),
        }
    )
    pd.testing.assert_frame_equal(bunch.data, expected)
    assert bunch.target.tolist() == ["negative", "positive", "negative"]
    assert bunch.target.cat.categories.tolist() == ["negative", "positive"]
    assert "@attribute Age" in bunch.DESCR and "@data" not in bunch.DESCR


def test_complete_integers_stay_integers(write):
    text = TABLE.replace("<null>, ?", "32, 22")
    assert load_keel(write(text)).data["Age"].dtype == "int64"


def test_without_inputs_and_outputs_the_last_is_the_output(write):
    text = "\n".join(
        line for line in TABLE.splitlines() if not line.startswith(("@in", "@out"))
    )
    whole, short = load_keel(write(TABLE)), load_keel(write(text))
    pd.testing.assert_frame_equal(whole.data, short.data)
    pd.testing.assert_series_equal(whole.target, short.target)


def test_an_output_that_is_not_last(write):
    text = TABLE.replace("@outputs Class", "@outputs city")
    text = text.replace("@inputs Age, 'body mass', city", "@inputs Age, Class")
    bunch = load_keel(write(text))
    assert bunch.feature_names == ["Age", "Class"]
    assert bunch.target.name == "city"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_encodings_and_line_ends(write, encoding):
    text = TABLE.replace("Ulm", "Köln").replace("\n", "\r\n")
    assert load_keel(write(text, encoding)).data["city"].iloc[0] == "Köln"


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("@data", "@rows", "has no @data"),
        ("31,  20.5", "31.5, 20.5", "line 10: '31.5' in column 'Age' is no integer"),
        ("20.5", "tall", "line 10: 'tall' in column 'body mass' is no real number"),
        ("Ulm, neg", "Rome, neg", "line 10: 'Rome' in column 'city' is none of the"),
        ("31,  20.5 ,", "31,", "line 10 has 3 values, and the header declares 4"),
        ("@outputs Class", "@outputs Klass", r"names \['Klass'\]"),
        ("@outputs Class", "@outputs Age, Class", "several outputs"),
        ("Age integer[18, 99]", "Age date", "line 3: cannot read the attribute"),
        ("@relation", "@relations", "line 1: .* is none of @relation"),
        ("'body mass' real", "Age real", r"declares attributes \['Age'\] more than"),
    ],
)
def test_refuses(write, old, new, message):
    assert old in TABLE
    with pytest.raises(ValueError, match=message):
        load_keel(write(TABLE.replace(old, new)))


def test_refuses_a_table_without_rows(write):
    with pytest.raises(ValueError, match="no rows after @data"):
        load_keel(write(TABLE[: TABLE.index("31,")]))


def test_a_net_takes_it_as_it_is(write):
    from imbdeep.classifiers import NetClassifier

    rows = TABLE[TABLE.index("31,") :]
    bunch = load_keel(write(TABLE + rows * 9))
    net = NetClassifier(max_epochs=2, random_state=0).fit(bunch.data, bunch.target)
    assert set(net.classes_) == {"negative", "positive"}
