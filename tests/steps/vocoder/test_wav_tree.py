"""Files of utterances: names of any length are names that file systems take."""

from steps.vocoder.wav_tree import wav_files


def test_long_names_are_cut_and_stay_apart(tmp_path):
    title = "كلمات طويلة " * 16  # a video's title, of 255 bytes and more with times
    keys = [f"{title.replace(' ', '_')}-000000{n}-0000100" for n in (0, 1)]
    files = wav_files(tmp_path, [*keys, f"folder/{keys[0]}", "short"])
    names = [files[key].name for key in keys]
    assert len(set(names)) == 2 and all(150 < len(name.encode()) < 220 for name in names)
    assert files[f"folder/{keys[0]}"].parts == ("wav", "folder", names[0]) and files["short"].name == "short.wav"
    (tmp_path / names[0]).touch()
