import pytest

from timbra.cfdi.der import BMP_STRING, INTEGER, SEQUENCE, DerBroken, Node, dotted, read_all, read_one, text


def test_reads_nested_elements():
    node = read_one(bytes.fromhex("3006020101020102"))

    assert node.tag == SEQUENCE
    assert [child.value(INTEGER) for child in node.children()] == [b"\x01", b"\x02"]


def test_reads_a_long_length():
    assert read_one(b"\x04\x82\x01\x00" + b"x" * 256).content == b"x" * 256


@pytest.mark.parametrize(
    "data",
    [
        "",
        "30",
        "3001",  # longer than the data
        "3080",  # indefinite length
        "308500000000ff",  # length of five bytes
        "3082ff",  # length cut short
        "1f8101",  # tag of several bytes
        "02010100",  # bytes after the end
    ],
)
def test_refuses_what_is_no_single_element(data: str):
    with pytest.raises(DerBroken):
        read_one(bytes.fromhex(data))


def test_refuses_an_element_of_another_tag():
    [node] = read_all(bytes.fromhex("020101"))

    with pytest.raises(DerBroken, match="0x2 where 0x30"):
        node.children()
    with pytest.raises(DerBroken, match="0x2 where 0x6"):
        node.value(0x06)


@pytest.mark.parametrize(
    ("oid", "expected"),
    [("55042d", "2.5.4.45"), ("2a864886f70d01050d", "1.2.840.113549.1.5.13"), ("8837", "2.999"), ("2b0e", "1.3.14")],
)
def test_object_identifiers_in_dotted_form(oid: str, expected: str):
    assert dotted(bytes.fromhex(oid)) == expected


@pytest.mark.parametrize("oid", ["", "5584", "ff" * 20 + "01"])
def test_refuses_a_damaged_object_identifier(oid: str):
    with pytest.raises(DerBroken):
        dotted(bytes.fromhex(oid))


@pytest.mark.parametrize(
    ("tag", "content", "expected"),
    [
        (0x13, b"HA\xd1ERA", "HAÑERA"),  # Latin-1 in a PrintableString, as SAT writes it
        (0x0C, "HAÑERA".encode(), "HAÑERA"),
        (0x0C, b"\xd3PTICA", "ÓPTICA"),
        (BMP_STRING, "Ñ&".encode("utf-16-be"), "Ñ&"),
    ],
)
def test_texts_of_any_string_type(tag: int, content: bytes, expected: str):
    assert text(Node(tag, content)) == expected
