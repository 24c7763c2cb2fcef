"""Headers that every answer carries, and the nonce of the one inline script, the import map."""

import secrets

from flask import Flask, Response, g

from app.config import Settings


def register(app: Flask, settings: Settings) -> None:
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    policy = _policy(settings)

    @app.after_request
    def set_headers(response: Response) -> Response:
        headers = response.headers
        nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
        headers.setdefault("Content-Security-Policy", policy.format(nonce=nonce))
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if settings.secure:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return response


def csp_nonce() -> str:
    """One per answer; asking for it is what puts it into the policy."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _policy(settings: Settings) -> str:
    """In the lab the page also reads the local push service's lab face."""
    lab_face = f" {settings.push_service_url}" if settings.lab and settings.push_service_url else ""
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self'{nonce}",
            "img-src 'self' data:",
            f"connect-src 'self'{lab_face}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
