"""Clients that exist only in memory."""

from timbra.catalogs.address import Address
from timbra.clients.model import Client

KEMPER = Client(
    id="client_1",
    team_id="team_1",
    livemode=False,
    owner="user_1",
    origin="api",
    created_ms=0,
    updated_ms=0,
    legal_name="Escuela Kemper Urgate SA de CV",
    tax_id="EKU9003173C9",
    tax_system="601",
    use="G03",
    address=Address(country="MEX", zip="42501"),
)
