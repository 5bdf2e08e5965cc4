import pytest

from imbdeep_bench.engine.names import check_names


def test_known_names_pass():
    check_names(["b", "a"], ["a", "b", "c"], "--x")


def test_unknown_name_is_named_with_its_neighbour():
    with pytest.raises(ValueError, match=r"--methods got 'remx'.*Did you mean remix\?"):
        check_names(["net", "remx"], {"net": 1, "remix": 2}, "--methods")


def test_unknown_name_without_neighbour_lists_what_there_is():
    with pytest.raises(ValueError, match=r"got 'zzz', which is unknown\. Choose from"):
        check_names(["zzz"], ["net", "remix"], "--methods")


def test_no_name_at_all():
    with pytest.raises(ValueError, match="--datasets is empty; choose from a, b"):
        check_names([], ["a", "b"], "--datasets")
