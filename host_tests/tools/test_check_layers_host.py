"""check_layers: what is refused, on a small tree."""

from tools import check_layers, sip_ids

README = """\
| layer | modules | what |
| --- | --- | --- |
| 0 | errors | |
| 1 | sip/uri sip/* | |
| 2 | core | |
| 6 | agent | |

| never | imports |
| --- | --- |
| core | sdp |
<!-- public: core -->
"""


def faults(tmp_path, **files):
    base = tmp_path / "lib" / "usip"
    (base / "sip").mkdir(parents=True)
    (tmp_path / "firmware").mkdir()
    (base / "README.md").write_text(README)
    (base / "__init__.py").write_text("")
    (base / "errors.py").write_text("")
    (base / "core.py").write_text("")
    (base / "sip" / "uri.py").write_text("")
    for name, text in files.items():
        folder = tmp_path / "firmware" if name[:5] == "fware" else base
        (folder / (name.replace("__", "/") + ".py")).write_text(text)
    return check_layers.check(tmp_path)


def test_imports_from_above_and_from_the_own_folder_pass(tmp_path):
    assert not faults(
        tmp_path,
        core="from usip import errors\nfrom usip.sip import uri\nimport usip.sip.uri\n",
        sip__message="from usip.sip.uri import URI\n",
        fware="import usip\nfrom usip import core, Agent\n",
    )


def test_an_import_from_below_is_refused_in_any_form(tmp_path):
    for text in ("import usip.core", "from usip import core", "from usip.core import X"):
        folder = tmp_path / text.replace(" ", "_")
        found = faults(folder, sip__message="def f():\n    %s\n" % text)
        assert found == ["lib/usip/sip/message.py:2: imports core, which is not above it"]


def test_relative_imports_and_modules_without_a_row_are_refused(tmp_path):
    found = faults(tmp_path, strange="", core="from . import errors\n")
    assert found == [
        "lib/usip/core.py:1: relative import",
        "lib/usip/strange.py:1: has no row in lib/usip/README.md",
    ]


def test_firmware_sees_public_names_only(tmp_path):
    found = faults(tmp_path, fware="from usip.sip import uri\nfrom usip.core import _x\n")
    assert found == [
        "firmware/fware.py:1: imports usip.sip.uri, which is not public",
        "firmware/fware.py:2: imports the private name _x",
    ]


def test_a_constant_that_differs_from_the_master_table_is_refused(tmp_path):
    text = "_H_VIA = const(1)\n_H_TO = const(4)\n_M_CALL = const(1)\n"
    assert faults(tmp_path, core=text) == [
        "lib/usip/core.py:2: _H_TO is 3 in tools/sip_ids.py",
        "lib/usip/core.py:3: _M_CALL is not in tools/sip_ids.py",
    ]


def test_the_master_table_has_the_first_and_last_ids():
    table = sip_ids.constants()
    assert (table["_M_INVITE"], table["_M_INFO"]) == (1, 14)
    assert (table["_H_VIA"], table["_H_SECURITY_VERIFY"]) == (1, 81)
