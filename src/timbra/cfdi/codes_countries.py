"""c_Pais: alpha-3 and alpha-2 codes, SAT's Spanish names, English short names, patterns and groups.

``country`` reads any of them, in any case, with or without accents and articles.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

UNDECLARED: Final = "ZZZ"

# alpha-3, alpha-2, Spanish names (SAT's first) | English names (the common one first)
_ROWS: Final = """
ABW AW Aruba | Aruba
AFG AF Afganistán | Afghanistan
AGO AO Angola | Angola
AIA AI Anguila | Anguilla
ALA AX Islas Åland | Åland Islands
ALB AL Albania | Albania
AND AD Andorra | Andorra
ARE AE Emiratos Árabes Unidos (Los) | United Arab Emirates
ARG AR Argentina | Argentina
ARM AM Armenia | Armenia
ASM AS Samoa Americana | American Samoa
ATA AQ Antártida | Antarctica
ATF TF Territorios Australes Franceses (los) | French Southern Territories
ATG AG Antigua y Barbuda | Antigua and Barbuda
AUS AU Australia | Australia
AUT AT Austria | Austria
AZE AZ Azerbaiyán | Azerbaijan
BDI BI Burundi | Burundi
BEL BE Bélgica | Belgium
BEN BJ Benín | Benin
BES BQ Bonaire, San Eustaquio y Saba | Bonaire, Sint Eustatius and Saba
BFA BF Burkina Faso | Burkina Faso
BGD BD Bangladés | Bangladesh
BGR BG Bulgaria | Bulgaria
BHR BH Baréin | Bahrain
BHS BS Bahamas (las) | Bahamas
BIH BA Bosnia y Herzegovina | Bosnia and Herzegovina
BLM BL San Bartolomé | Saint Barthélemy
BLR BY Bielorrusia | Belarus
BLZ BZ Belice | Belize
BMU BM Bermudas | Bermuda
BOL BO Bolivia, Estado Plurinacional de | Bolivia/Bolivia (Plurinational State of)
BRA BR Brasil | Brazil
BRB BB Barbados | Barbados
BRN BN Brunéi Darussalam | Brunei/Brunei Darussalam
BTN BT Bután | Bhutan
BVT BV Isla Bouvet | Bouvet Island
BWA BW Botsuana | Botswana
CAF CF República Centroafricana (la) | Central African Republic
CAN CA Canadá | Canada
CCK CC Islas Cocos (Keeling) | Cocos (Keeling) Islands
CHE CH Suiza | Switzerland
CHL CL Chile | Chile
CHN CN China | China
CIV CI Côte d'Ivoire/Costa de Marfil | Côte d'Ivoire/Ivory Coast
CMR CM Camerún | Cameroon
COD CD Congo (la República Democrática del) | Congo (the Democratic Republic of the)/Democratic Republic of the Congo
COG CG Congo | Congo/Republic of the Congo
COK CK Islas Cook (las) | Cook Islands
COL CO Colombia | Colombia
COM KM Comoras | Comoros
CPV CV Cabo Verde | Cabo Verde/Cape Verde
CRI CR Costa Rica | Costa Rica
CUB CU Cuba | Cuba
CUW CW Curaçao | Curaçao
CXR CX Isla de Navidad | Christmas Island
CYM KY Islas Caimán (las) | Cayman Islands
CYP CY Chipre | Cyprus
CZE CZ República Checa (la)/Chequia | Czechia/Czech Republic
DEU DE Alemania | Germany
DJI DJ Yibuti | Djibouti
DMA DM Dominica | Dominica
DNK DK Dinamarca | Denmark
DOM DO República Dominicana (la) | Dominican Republic
DZA DZ Argelia | Algeria
ECU EC Ecuador | Ecuador
EGY EG Egipto | Egypt
ERI ER Eritrea | Eritrea
ESH EH Sahara Occidental | Western Sahara
ESP ES España | Spain
EST EE Estonia | Estonia
ETH ET Etiopía | Ethiopia
FIN FI Finlandia | Finland
FJI FJ Fiyi | Fiji
FLK FK Islas Malvinas [Falkland] (las) | Falkland Islands/Falkland Islands [Malvinas]
FRA FR Francia | France
FRO FO Islas Feroe (las) | Faroe Islands
FSM FM Micronesia (los Estados Federados de) | Micronesia/Micronesia (Federated States of)
GAB GA Gabón | Gabon
GBR GB Reino Unido (el) | United Kingdom/Great Britain/United Kingdom of Great Britain and Northern Ireland
GEO GE Georgia | Georgia
GGY GG Guernsey | Guernsey
GHA GH Ghana | Ghana
GIB GI Gibraltar | Gibraltar
GIN GN Guinea | Guinea
GLP GP Guadalupe | Guadeloupe
GMB GM Gambia (La) | Gambia
GNB GW Guinea-Bisáu | Guinea-Bissau
GNQ GQ Guinea Ecuatorial | Equatorial Guinea
GRC GR Grecia | Greece
GRD GD Granada | Grenada
GRL GL Groenlandia | Greenland
GTM GT Guatemala | Guatemala
GUF GF Guayana Francesa | French Guiana
GUM GU Guam | Guam
GUY GY Guyana | Guyana
HKG HK Hong Kong | Hong Kong
HMD HM Isla Heard e Islas McDonald | Heard Island and McDonald Islands
HND HN Honduras | Honduras
HRV HR Croacia | Croatia
HTI HT Haití | Haiti
HUN HU Hungría | Hungary
IDN ID Indonesia | Indonesia
IMN IM Isla de Man | Isle of Man
IND IN India | India
IOT IO Territorio Británico del Océano Índico (el) | British Indian Ocean Territory
IRL IE Irlanda | Ireland
IRN IR Irán (la República Islámica de) | Iran/Iran (Islamic Republic of)
IRQ IQ Irak/Iraq | Iraq
ISL IS Islandia | Iceland
ISR IL Israel | Israel
ITA IT Italia | Italy
JAM JM Jamaica | Jamaica
JEY JE Jersey | Jersey
JOR JO Jordania | Jordan
JPN JP Japón | Japan
KAZ KZ Kazajistán | Kazakhstan
KEN KE Kenia | Kenya
KGZ KG Kirguistán | Kyrgyzstan
KHM KH Camboya | Cambodia
KIR KI Kiribati | Kiribati
KNA KN San Cristóbal y Nieves | Saint Kitts and Nevis
KOR KR Corea (la República de)/Corea del Sur | South Korea/Korea (the Republic of)/Republic of Korea
KWT KW Kuwait | Kuwait
LAO LA Lao, (la) República Democrática Popular | Laos/Lao People's Democratic Republic
LBN LB Líbano | Lebanon
LBR LR Liberia | Liberia
LBY LY Libia | Libya
LCA LC Santa Lucía | Saint Lucia
LIE LI Liechtenstein | Liechtenstein
LKA LK Sri Lanka | Sri Lanka
LSO LS Lesoto | Lesotho
LTU LT Lituania | Lithuania
LUX LU Luxemburgo | Luxembourg
LVA LV Letonia | Latvia
MAC MO Macao | Macao/Macau
MAF MF San Martín (parte francesa) | Saint Martin (French part)
MAR MA Marruecos | Morocco
MCO MC Mónaco | Monaco
MDA MD Moldavia (la República de) | Moldova/Moldova (the Republic of)
MDG MG Madagascar | Madagascar
MDV MV Maldivas | Maldives
MEX MX México | Mexico
MHL MH Islas Marshall (las) | Marshall Islands
MKD MK Macedonia (la antigua República Yugoslava de)/Macedonia del Norte | North Macedonia/Macedonia
MLI ML Malí | Mali
MLT MT Malta | Malta
MMR MM Myanmar | Myanmar/Burma
MNE ME Montenegro | Montenegro
MNG MN Mongolia | Mongolia
MNP MP Islas Marianas del Norte (las) | Northern Mariana Islands
MOZ MZ Mozambique | Mozambique
MRT MR Mauritania | Mauritania
MSR MS Montserrat | Montserrat
MTQ MQ Martinica | Martinique
MUS MU Mauricio | Mauritius
MWI MW Malaui | Malawi
MYS MY Malasia | Malaysia
MYT YT Mayotte | Mayotte
NAM NA Namibia | Namibia
NCL NC Nueva Caledonia | New Caledonia
NER NE Níger (el) | Niger
NFK NF Isla Norfolk | Norfolk Island
NGA NG Nigeria | Nigeria
NIC NI Nicaragua | Nicaragua
NIU NU Niue | Niue
NLD NL Países Bajos (los)/Holanda | Netherlands/Holland
NOR NO Noruega | Norway
NPL NP Nepal | Nepal
NRU NR Nauru | Nauru
NZL NZ Nueva Zelanda | New Zealand
OMN OM Omán | Oman
PAK PK Pakistán | Pakistan
PAN PA Panamá | Panama
PCN PN Pitcairn | Pitcairn
PER PE Perú | Peru
PHL PH Filipinas (las) | Philippines
PLW PW Palaos | Palau
PNG PG Papúa Nueva Guinea | Papua New Guinea
POL PL Polonia | Poland
PRI PR Puerto Rico | Puerto Rico
PRK KP Corea (la República Democrática Popular de)/Corea del Norte | North Korea/Korea (the Democratic People's Republic of)
PRT PT Portugal | Portugal
PRY PY Paraguay | Paraguay
PSE PS Palestina, Estado de | Palestine/Palestine, State of
PYF PF Polinesia Francesa | French Polynesia
QAT QA Catar/Qatar | Qatar
REU RE Reunión | Réunion
ROU RO Rumania | Romania
RUS RU Rusia, (la) Federación de | Russia/Russian Federation
RWA RW Ruanda | Rwanda
SAU SA Arabia Saudita/Arabia Saudí | Saudi Arabia
SDN SD Sudán (el) | Sudan
SEN SN Senegal | Senegal
SGP SG Singapur | Singapore
SGS GS Georgia del Sur y las Islas Sandwich del Sur | South Georgia and the South Sandwich Islands
SHN SH Santa Helena, Ascensión y Tristán de Acuña | Saint Helena, Ascension and Tristan da Cunha
SJM SJ Svalbard y Jan Mayen | Svalbard and Jan Mayen
SLB SB Islas Salomón (las) | Solomon Islands
SLE SL Sierra Leona | Sierra Leone
SLV SV El Salvador | El Salvador
SMR SM San Marino | San Marino
SOM SO Somalia | Somalia
SPM PM San Pedro y Miquelón | Saint Pierre and Miquelon
SRB RS Serbia | Serbia
SSD SS Sudán del Sur | South Sudan
STP ST Santo Tomé y Príncipe | Sao Tome and Principe
SUR SR Surinam | Suriname
SVK SK Eslovaquia | Slovakia
SVN SI Eslovenia | Slovenia
SWE SE Suecia | Sweden
SWZ SZ Suazilandia/Esuatini | Eswatini/Swaziland
SXM SX Sint Maarten (parte holandesa) | Sint Maarten (Dutch part)
SYC SC Seychelles | Seychelles
SYR SY Siria, (la) República Árabe | Syria/Syrian Arab Republic
TCA TC Islas Turcas y Caicos (las) | Turks and Caicos Islands
TCD TD Chad | Chad
TGO TG Togo | Togo
THA TH Tailandia | Thailand
TJK TJ Tayikistán | Tajikistan
TKL TK Tokelau | Tokelau
TKM TM Turkmenistán | Turkmenistan
TLS TL Timor-Leste/Timor Oriental | Timor-Leste/East Timor
TON TO Tonga | Tonga
TTO TT Trinidad y Tobago | Trinidad and Tobago
TUN TN Túnez | Tunisia
TUR TR Turquía | Türkiye/Turkey
TUV TV Tuvalu | Tuvalu
TWN TW Taiwán (Provincia de China) | Taiwan/Taiwan (Province of China)
TZA TZ Tanzania, República Unida de | Tanzania/Tanzania, the United Republic of
UGA UG Uganda | Uganda
UKR UA Ucrania | Ukraine
UMI UM Islas de Ultramar Menores de Estados Unidos (las) | United States Minor Outlying Islands
URY UY Uruguay | Uruguay
USA US Estados Unidos (los)/Estados Unidos de América | United States/United States of America
UZB UZ Uzbekistán | Uzbekistan
VAT VA Santa Sede [Estado de la Ciudad del Vaticano] (la)/Ciudad del Vaticano | Holy See/Vatican City
VCT VC San Vicente y las Granadinas | Saint Vincent and the Grenadines
VEN VE Venezuela, República Bolivariana de | Venezuela/Venezuela (Bolivarian Republic of)
VGB VG Islas Vírgenes (Británicas) | Virgin Islands (British)/British Virgin Islands
VIR VI Islas Vírgenes (EE.UU.) | Virgin Islands (U.S.)/US Virgin Islands
VNM VN Viet Nam/Vietnam | Viet Nam/Vietnam
VUT VU Vanuatu | Vanuatu
WLF WF Wallis y Futuna | Wallis and Futuna
WSM WS Samoa | Samoa
YEM YE Yemen | Yemen
ZAF ZA Sudáfrica | South Africa
ZMB ZM Zambia | Zambia
ZWE ZW Zimbabue | Zimbabwe
"""

_EUROPEAN_UNION: Final = """
AUT BEL BGR CYP CZE DEU DNK ESP EST FIN FRA GBR GRC HRV HUN IRL ITA LTU LUX LVA MLT NLD POL PRT ROU SVK SVN SWE
"""
_TLCAN: Final = frozenset({"CAN", "MEX", "USA"})

_ZIP_PATTERNS: Final = {
    "MEX": "[0-9]{5}",
    "USA": "[0-9]{5}(-[0-9]{4})?",
    "CAN": "[A-Z][0-9][A-Z] [0-9][A-Z][0-9]",
}
_TAX_ID_PATTERNS: Final = {"USA": "[0-9]{9}", "CAN": "[0-9]{9}"}

# Words that carry no meaning in a country's name, in both languages.
_SILENT: Final = frozenset({"de", "del", "el", "la", "las", "los", "y", "e", "of", "the", "and"})


@dataclass(frozen=True, slots=True)
class Country:
    """One country. ``zip_pattern`` and ``tax_id_pattern`` are whole-text regular expressions or None (CFDI40156)."""

    code: str
    alpha2: str | None
    name: str
    english: str
    zip_pattern: str | None
    tax_id_pattern: str | None
    group: str | None


def _group(code: str) -> str | None:
    if code in _EUROPEAN_UNION:
        return "Unión Europea"
    return "TLCAN" if code in _TLCAN else None


def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return tuple(sorted(word for word in re.findall("[a-z0-9]+", plain) if word not in _SILENT))


def _rows() -> Iterator[tuple[Country, tuple[str, ...]]]:
    for row in _ROWS.strip().splitlines():
        codes, english = row.split(" | ")
        code, alpha2, spanish = codes.split(" ", 2)
        names = (*spanish.split("/"), *english.split("/"))
        yield _country(code, alpha2, names[0], english.split("/")[0]), names
    yield _country(UNDECLARED, None, "Países no declarados", "Undeclared countries"), ()


def _country(code: str, alpha2: str | None, name: str, english: str) -> Country:
    return Country(
        code=code,
        alpha2=alpha2,
        name=name,
        english=english,
        zip_pattern=_ZIP_PATTERNS.get(code),
        tax_id_pattern=_TAX_ID_PATTERNS.get(code),
        group=_group(code),
    )


COUNTRIES: Final[Mapping[str, Country]] = {row.code: row for row, _ in _rows()}
_ALPHA2: Final = {row.alpha2: row.code for row in COUNTRIES.values() if row.alpha2}
_NAMES: Final = {_words(name): row.code for row, names in _rows() for name in names}


def country(text: str) -> str | None:
    """Alpha-3 code of a country given by alpha-3, alpha-2, Spanish or English name; None when nothing matches."""
    code = text.strip().upper()
    if code in COUNTRIES:
        return code
    return _ALPHA2.get(code) or _NAMES.get(_words(text))


def zip_matches(code: str, zip_code: str) -> bool:
    """True when the postal code has the country's form; any text fits a country without a pattern."""
    return _matches(COUNTRIES[code].zip_pattern, zip_code)


def tax_id_matches(code: str, tax_id: str) -> bool:
    """True when a foreign tax id has the country's form; any text fits a country without a pattern (CFDI40156)."""
    return _matches(COUNTRIES[code].tax_id_pattern, tax_id)


def _matches(pattern: str | None, text: str) -> bool:
    return pattern is None or re.fullmatch(pattern, text) is not None
