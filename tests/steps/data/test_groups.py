"""Groups of a data directory."""

import pytest

from steps.data.groups import group_id, group_values, read_groups
from utils.data_dir import DataDir
from utils.errors import InputError
from utils.tables import read_table, write_table


def test_id_and_values_are_inverse():
    values = {"gender": "female", "pitch": "low", "age": "young-adult"}
    group = group_id(values, ("gender", "pitch", "age"))
    assert group == "female_low_young-adult"
    assert group_values(group, ("gender", "pitch", "age")) == values


@pytest.mark.parametrize("group", ["female_low", "female_low_slow_x", "female__slow"])
def test_malformed_id(group):
    with pytest.raises(InputError, match="3 values .* --attributes gender,pitch,speaking_rate"):
        group_values(group)


def test_groups_of_a_corpus(corpus):
    grouping = read_groups(DataDir(corpus))
    assert len(grouping.groups) == 18 and grouping.groups == sorted(grouping.groups)
    assert set(grouping.counts.values()) == {1} and grouping.n_ungrouped == 0
    assert grouping.values("male_high_fast") == {"gender": "male", "pitch": "high", "speaking_rate": "fast"}


def test_utterances_without_a_label_have_no_group(corpus):
    pitch = read_table(corpus / "utt2pitch")
    unlabelled = sorted(pitch)[3]
    del pitch[unlabelled]
    write_table(corpus / "utt2pitch", pitch)
    grouping = read_groups(DataDir(corpus))
    assert unlabelled not in grouping.utt2group and len(grouping.utt2group) == 17 and grouping.n_ungrouped == 1


def test_the_order_of_attributes_is_that_of_the_id(corpus):
    assert "slow_female" in read_groups(DataDir(corpus), ("speaking_rate", "gender")).groups


def test_missing_table_names_what_is_there(corpus):
    with pytest.raises(InputError, match=r"utt2age.*gender, pitch, speaking_rate"):
        read_groups(DataDir(corpus), ("gender", "age"))


def test_value_with_an_underscore(corpus):
    write_table(corpus / "utt2pitch", read_table(corpus / "utt2pitch") | {"demo-s00-u1": "very_low"})
    with pytest.raises(InputError, match="demo-s00-u1.*very_low"):
        read_groups(DataDir(corpus))


def test_no_group_at_all(corpus):
    (corpus / "utt2pitch").write_text("")
    with pytest.raises(InputError, match="no utterance has all of"):
        read_groups(DataDir(corpus))


def test_the_same_attribute_twice(corpus):
    with pytest.raises(InputError, match="distinct"):
        read_groups(DataDir(corpus), ("gender", "gender"))
