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
        ("@outputs Class", "@outputs city", "names 'city' in @inputs, which is the ou"),
        ("city\n@outputs Class\n", "Class\n", "names 'Class' in @inputs, which is"),
        ("@inputs Age", "@inputs Age, Age", r"names the inputs \['Age'\] more than"),
        ("{Ulm", "{Ulm, 'Ulm'", r"line 5 declares levels \['Ulm'\] more than once"),
        ("20.5", "inf", "line 10: 'inf' in column 'body mass' is no real number"),
        ("20.5", "1e999", "line 10: '1e999' in column 'body mass' is no real number"),
        ("20.5", "1_0", "line 10: '1_0' in column 'body mass' is no real number"),
        ("45, 1e1", f"{2**63}, 1", f"line 13: '{2**63}' in .* beyond integers of 64"),
        ("45, 1e1", "1e999999, 1", "line 13: '1e999999' in .* beyond integers of 64"),
        ("31,  20.5", "nan, 20.5", "line 10: 'nan' in column 'Age' is no integer"),
        (", negative\n\n", ", negative,\n\n", "line 10 has 5 values, and the header"),
        (TABLE[: TABLE.index("@inputs")], "", "declares no @attribute"),
    ],
)
def test_refuses(write, old, new, message):
    assert old in TABLE
    with pytest.raises(ValueError, match=message):
        load_keel(write(TABLE.replace(old, new)))


LARGE = [2**53 + 1, 2**63 - 1, -(2**63), 9007199254740993]


@pytest.mark.parametrize("gap", ["", "<null>, 1, Ulm, positive\n"])
def test_integers_keep_all_their_digits(write, gap):
    rows = "".join(f"{n}, 1, Ulm, negative\n" for n in LARGE)
    text = TABLE[: TABLE.index("31,")] + rows + "3e1, 1, Ulm, negative\n" + gap
    age = load_keel(write(text)).data["Age"]
    assert age.dtype == ("Int64" if gap else "int64")
    assert age.iloc[:5].tolist() == [*LARGE, 30]


def test_real_numbers_are_the_nearest(write):
    given = ["0.1", "1.7976931348623157e308", "-123456789.123456789", ".3E-7", "5e-324"]
    rows = "".join(f"1, {number}, Ulm, negative\n" for number in given)
    mass = load_keel(write(TABLE[: TABLE.index("31,")] + rows)).data["body mass"]
    assert mass.tolist() == [float(number) for number in given]


@pytest.mark.parametrize(
    "old, new",
    [
        ("@outputs ", "@outputs\t"),
        ("@inputs Age, ", "@inputs \t Age,"),
        ("@attribute Age ", "@attribute\tAge\t"),
        ("city\n@out", "city,\n@out"),
        ("@inputs Age,", "@inputs Age\n@inputs"),
        ("Bonn,'New York'", 'Bonn, "New York", '),
        ("Ulm, negative", "'Ulm', \"negative\""),
    ],
)
def test_ways_to_write_the_same(write, old, new):
    assert old in TABLE
    pd.testing.assert_frame_equal(
        load_keel(write(TABLE.replace(old, new))).data, load_keel(write(TABLE)).data
    )


@pytest.mark.parametrize(
    "level, written",
    [
        ("Ulm, Danube", "'Ulm, Danube'"),
        ("Ulm, Danube", '"Ulm, Danube"'),
        ("O'Neil", "O'Neil"),
        ("'tis", "'tis"),
        ("?", "'?'"),
        ("a\x0cb", "a\x0cb"),
        ("a\x85b", "a\x85b"),
        ("a\u2028b", "a\u2028b"),
    ],
)
def test_levels_as_they_are_written(write, level, written):
    city = load_keel(write(TABLE.replace("Ulm", written))).data["city"]
    assert city.iloc[0] == level
    assert city.cat.categories[0] == level


def test_a_row_is_a_comment_unless_it_begins_with_a_level(write):
    text = """\
@attribute share {%, percent}
% of the header
@attribute ill {no, yes}
@data
%, no
% another, comment
%none
percent, yes
"""
    bunch = load_keel(write(text))
    assert bunch.data["share"].tolist() == ["%", "percent"]
    assert "% of" not in bunch.DESCR


def test_refuses_a_table_without_rows(write):
    with pytest.raises(ValueError, match="no rows after @data"):
        load_keel(write(TABLE[: TABLE.index("31,")]))


def test_a_net_takes_it_as_it_is(write):
    from imbdeep.classifiers import NetClassifier

    rows = TABLE[TABLE.index("31,") :]
    bunch = load_keel(write(TABLE + rows * 9))
    net = NetClassifier(max_epochs=2, random_state=0).fit(bunch.data, bunch.target)
    assert set(net.classes_) == {"negative", "positive"}
