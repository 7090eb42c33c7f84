"""What failed of TLS, and what helps against that."""

from collections.abc import Mapping
from typing import Final, Literal

TlsFault = Literal["untrusted", "outdated", "other host", "handshake"]
"""A certificate that nobody known signed, one out of its time, one for another host; or no agreement on TLS at all."""

_ADVICE: Final[Mapping[TlsFault, str]] = {
    "untrusted": (
        "If you trust who signed it, add that certificate: for Python to the file that SSL_CERT_FILE names (the "
        "system's if it names none), for Chrome to ~/.pki/nssdb, with certutil. To see where both look, run: "
        "aura-browser doctor"
    ),
    "outdated": "Check this machine's clock; if that is right, the site's owner has to renew the certificate.",
    "other host": "Check the host in the address.",
    "handshake": "Check the address: whether the site speaks TLS there, or only http; and what is between you and it.",
}
# Chrome's net_error_list.h.
_BY_CODE: Final[Mapping[str, TlsFault]] = {
    "ERR_CERT_DATE_INVALID": "outdated",
    "ERR_CERT_VALIDITY_TOO_LONG": "outdated",
    "ERR_CERT_COMMON_NAME_INVALID": "other host",
}
# X509_V_ERR_… of OpenSSL's x509_vfy.h.
_BY_NUMBER: Final[Mapping[int, TlsFault]] = {
    9: "outdated",  # CERT_NOT_YET_VALID
    10: "outdated",  # CERT_HAS_EXPIRED
    62: "other host",  # HOSTNAME_MISMATCH
    64: "other host",  # IP_ADDRESS_MISMATCH
}


def read_code(code: str) -> TlsFault | None:
    """Return what Chrome's error *code* says of TLS; None if it says nothing of it."""
    if code.startswith("ERR_CERT_"):
        return _BY_CODE.get(code, "untrusted")
    return "handshake" if code.startswith("ERR_SSL_") else None


def read_number(number: int) -> TlsFault:
    """Return what OpenSSL's number of a certificate's fault says."""
    return _BY_NUMBER.get(number, "untrusted")


def advise(fault: TlsFault) -> str:
    """Return what to do about *fault*."""
    return _ADVICE[fault]
