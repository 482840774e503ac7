"""c_Moneda: decimals of every currency SAT knows."""

from collections.abc import Mapping
from typing import Final

_DECIMALS: Final = {
    0: """BIF BYR CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XAG XAU XBA XBB XBC XBD XDR XOF XPD XPF XPT
          XSU XTS XUA XXX""",
    2: """AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BZD CAD CDF CHE CHF
          CHW CNH CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ESD ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
          HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT
          MOP MRO MUR MVR MWK MXN MXV MYR MZN NAD NGN NIC NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR
          SBD SCR SDG SEK SGD SHP SLL SOS SRD SSP STD SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYP UYU
          UZS VEF VES WST XCD YER ZAR ZMW ZWL""",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF",
}

CURRENCIES: Final[Mapping[str, int]] = {
    code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()
}

NO_CURRENCY: Final = "XXX"
MAX_VARIATION_PERCENT: Final = 5  # of the exchange rate against SAT's reference, every currency but the two below
_NOT_FOR_TRADE: Final = frozenset({NO_CURRENCY, "XTS"})


def currency_decimals(code: str) -> int | None:
    """Decimals of a currency, None when SAT does not know it."""
    return CURRENCIES.get(code)


def currency_for_trade(code: str) -> bool:
    """True for a currency an invoice may be in: XXX and XTS exist in the catalogue and name no money."""
    return code in CURRENCIES and code not in _NOT_FOR_TRADE
