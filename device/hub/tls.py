"""A certificate and its key, as the hub's ports use them."""

import ssl


def context(cert: str, key: str) -> ssl.SSLContext | None:
    """From PEM files; None without both. Raises ValueError for what is no such pair, OSError."""
    if not cert and not key:
        return None
    if not cert or not key:
        raise ValueError("TLS needs both: set tls_cert and tls_key in [hub], or neither")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a callback OpenSSL would ask the terminal for the passphrase of an encrypted key.
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        raise ValueError(
            f"{cert} and {key} are no certificate and its key: {error.reason or 'no certificate in it'}"
        ) from error
    except OSError as error:
        closed = isinstance(error, PermissionError)
        remedy = "; let the hub's user read it: sudo chgrp intercom, sudo chmod 640" * closed
        raise OSError(error.errno, f"{error.strerror}{remedy}", f"{cert} or {key}") from error
    return context
