"""How SAT is asked about a document."""

from timbra.cfdi.expression import status_expression, verification_url
from timbra.cfdi.money import micro

UUID = "6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11"


def test_verification_url_has_the_parts_of_the_document() -> None:
    url = verification_url(
        uuid=UUID, issuer_rfc="EKU9003173C9", receiver_rfc="URE180429TM6", total=micro("3944"), sello="k3TYz8Qw9E="
    )

    assert url == (
        "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx?id=6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11"
        "&re=EKU9003173C9&rr=URE180429TM6&tt=3944&fe=Yz8Qw9E%3D"
    )


def test_verification_url_encodes_letters_of_rfcs_and_of_the_seal() -> None:
    url = verification_url(
        uuid=UUID, issuer_rfc="HAÑ930228SM9", receiver_rfc="H&E951128469", total=micro("0.11"), sello="...a+b/c1Q=="
    )

    assert "&re=HA%C3%91930228SM9&rr=H%26E951128469&tt=0.11&fe=%2Bb%2Fc1Q%3D%3D" in url


def test_status_expression_escapes_rfcs_only() -> None:
    expression = status_expression(
        uuid=UUID, issuer_rfc="HAÑ930228SM9", receiver_rfc="H&E951128469", total="116.00", sello="...a+b/c1Q=="
    )

    assert expression == f"?re=HAÑ930228SM9&rr=H&amp;E951128469&tt=116.00&id={UUID}&fe=+b/c1Q=="
