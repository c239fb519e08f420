"""Why Redis, its sentinels or its certificate will not have us, as a piece of a sentence.

Used by `connect`, which tries again unless one of these is the reason.
"""

import ssl
from collections.abc import Iterator

from redis.exceptions import AuthenticationError, ClusterDownError, ResponseError

_WRONG_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_UNKNOWN_AUTHORITY = (18, 19, 20, 21)  # self-signed, or no issuer that we know


def refusal(error: BaseException) -> str | None:
    """Why Redis will not have us, or None where it may answer yet."""
    for cause in _causes(error):
        if isinstance(cause, AuthenticationError):
            return "refused the login; check user and password"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _bad_certificate(cause)
        if isinstance(cause, ssl.SSLError):
            return "does not speak TLS as we do; check the port, and redis:// or rediss://"
        if isinstance(cause, ResponseError) and not isinstance(cause, ClusterDownError):
            return f"refused the connection: {cause}"
    return None


def _bad_certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _WRONG_NAME:
        return "shows a certificate for another name; use a host name that the certificate has"
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return (
            "shows a certificate of an unknown authority; name the authority's file with "
            "?ssl_ca_certs=/path/ca.pem"
        )
    return f"shows a certificate that is not valid: {error.verify_message}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from; redis-py wraps what it was told, some of it twice."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
