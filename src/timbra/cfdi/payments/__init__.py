"""The payment complement, Pagos 2.0: its values, its arithmetic and its XML. Source: contract complements.md, C1 to C9."""
