import copy
import dataclasses
import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from timbra.platform.vault import Secret, SecretContext, Vault, VaultRefused
from timbra.platform.vault_local import KEY_FILE, LocalKeys

CONTEXT = SecretContext(table="csds", column="sealed_key", row_id="csd_1", team_id="team_1", livemode=False)


@pytest.fixture
def vault() -> Vault:
    return Vault(LocalKeys(bytes(range(32))))


def test_a_secret_opens_where_it_was_sealed(vault: Vault):
    text = vault.opener("csd").seal(CONTEXT, b"the key")

    assert vault.opener("csd").open(CONTEXT, text).reveal() == b"the key"


def test_text_form_has_version_provider_and_three_parts_without_the_secret(vault: Vault):
    text = vault.opener("csd").seal(CONTEXT, b"the key")

    version, provider, *parts = text.split(".")
    assert (version, provider, len(parts)) == ("v1", "local", 3)
    assert "the key" not in text


def test_sealing_twice_gives_different_texts(vault: Vault):
    opener = vault.opener("csd")

    assert opener.seal(CONTEXT, b"x") != opener.seal(CONTEXT, b"x")


@pytest.mark.parametrize(
    "change",
    [{"table": "hooks"}, {"column": "other"}, {"row_id": "csd_2"}, {"team_id": "team_2"}, {"livemode": True}],
)
def test_a_secret_moved_elsewhere_does_not_open(vault: Vault, change: dict):
    text = vault.opener("csd").seal(CONTEXT, b"the key")

    with pytest.raises(VaultRefused):
        vault.opener("csd").open(dataclasses.replace(CONTEXT, **change), text)


def test_another_purpose_or_master_key_does_not_open(vault: Vault):
    text = vault.opener("csd").seal(CONTEXT, b"the key")

    with pytest.raises(VaultRefused):
        vault.opener("webhook").open(CONTEXT, text)
    with pytest.raises(VaultRefused):
        Vault(LocalKeys(bytes(32))).opener("csd").open(CONTEXT, text)


def test_any_changed_character_does_not_open(vault: Vault):
    opener = vault.opener("csd")
    text = opener.seal(CONTEXT, b"the key")

    for at, character in enumerate(text):
        changed = text[:at] + ("A" if character != "A" else "Q") + text[at + 1 :]
        with pytest.raises(VaultRefused):
            opener.open(CONTEXT, changed)


@pytest.mark.parametrize("text", ["", "v1", "v1.local", "v2.local.a.b.c", "v1.local.a.b.c", "v1.local...", "ñ.ñ.ñ.ñ.ñ"])
def test_what_is_no_sealed_text_is_refused(vault: Vault, text: str):
    with pytest.raises(VaultRefused):
        vault.opener("csd").open(CONTEXT, text)


def test_a_separator_inside_a_bound_field_is_an_error(vault: Vault):
    with pytest.raises(ValueError, match="separates"):
        vault.opener("csd").seal(dataclasses.replace(CONTEXT, row_id="a|b"), b"x")


def test_derived_keys_differ_by_label_and_come_again(vault: Vault):
    assert vault.derive("cursors") == Vault(LocalKeys(bytes(range(32)))).derive("cursors")
    assert vault.derive("cursors") != vault.derive("files")
    assert len(vault.derive("cursors")) == 32


def test_secret_shows_nothing_and_cannot_be_pickled_or_copied():
    secret = Secret(b"the key")

    assert f"{secret!r} {secret} {[secret]}" == "Secret(***) Secret(***) [Secret(***)]"
    assert secret != Secret(b"the key")
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(secret)


def test_first_start_makes_a_key_that_only_the_owner_reads(tmp_path: Path):
    folder = tmp_path / "data" / "keys"

    first = LocalKeys.open(folder)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert len((folder / KEY_FILE).read_bytes()) == 32
    assert LocalKeys.open(folder).derive("x") == first.derive("x")
    assert os.listdir(folder) == [KEY_FILE]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: LocalKeys.open(tmp_path / "keys").derive("x"), range(8)))

    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_refuses_a_key_file_open_to_others(tmp_path: Path, mode: int):
    LocalKeys.open(tmp_path / "keys")
    (tmp_path / "keys" / KEY_FILE).chmod(mode)

    with pytest.raises(VaultRefused, match="open to other users"):
        LocalKeys.open(tmp_path / "keys")


def test_refuses_a_key_folder_open_to_others(tmp_path: Path):
    (tmp_path / "keys").mkdir(mode=0o755)

    with pytest.raises(VaultRefused, match="chmod"):
        LocalKeys.open(tmp_path / "keys")


def test_refuses_a_key_of_another_length(tmp_path: Path):
    LocalKeys.open(tmp_path / "keys")
    (tmp_path / "keys" / KEY_FILE).write_bytes(b"short")

    with pytest.raises(VaultRefused, match="32 bytes"):
        LocalKeys.open(tmp_path / "keys")
