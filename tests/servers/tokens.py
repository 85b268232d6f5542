# SPDX-License-Identifier: Apache-2.0
"""Signed tokens (JWT) as an identity provider makes them, with the package `cryptography`.

Independent of the C++ code that verifies them. Used by the pretended Pub/Sub service and, run as a
program, to write the vectors of the unit test:

  .setup/venv/bin/python tests/servers/tokens.py > src/http/push_token_vectors.json
"""
import base64
import hashlib
import hmac
import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

ISSUER = "https://accounts.example.org"
AUDIENCE = "https://worker.example.org/tasks"
EMAIL = "pusher@project.example.org"
NOW = 1_900_000_000


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number_bytes(number, size=None):
    return number.to_bytes(size or (number.bit_length() + 7) // 8, "big")


class SigningKey:
    """A key pair with an id; signs with RS256 or ES256."""

    def __init__(self, kind="RS256", key_id="key-1", bits=2048, curve=None, private=None):
        self.kind, self.id = kind, key_id
        self.private = private or (rsa.generate_private_key(65537, bits) if kind == "RS256"
                                   else ec.generate_private_key(curve or ec.SECP256R1()))

    def sign(self, data):
        if self.kind == "RS256":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        size = (self.private.curve.key_size + 7) // 8
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return number_bytes(r, size) + number_bytes(s, size)

    def jwk(self):
        numbers = self.private.public_key().public_numbers()
        if self.kind == "RS256":
            return {"kty": "RSA", "kid": self.id, "use": "sig", "alg": "RS256", "n": base64url(number_bytes(numbers.n)),
                    "e": base64url(number_bytes(numbers.e))}
        size = (self.private.curve.key_size + 7) // 8
        return {"kty": "EC", "kid": self.id, "use": "sig", "crv": self.curve_name(),
                "x": base64url(number_bytes(numbers.x, size)), "y": base64url(number_bytes(numbers.y, size))}

    def curve_name(self):
        return {"secp256r1": "P-256", "secp384r1": "P-384"}[self.private.curve.name]

    def pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def private_pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()).decode()

    def token(self, claims, **header):
        head = {"alg": self.kind, "typ": "JWT", "kid": self.id, **header}
        head = {name: value for name, value in head.items() if value is not None}
        signed = base64url(json.dumps(head).encode()) + "." + base64url(json.dumps(claims).encode())
        return signed + "." + base64url(self.sign(signed.encode()))


def key_set(*keys):
    return json.dumps({"keys": [key.jwk() for key in keys]})


def claims_for(audience, issuer=ISSUER, email=EMAIL, now=NOW, seconds=3600, **more):
    claims = {"iss": issuer, "aud": audience, "sub": "1234567890", "email": email, "email_verified": True, "iat": now,
              "exp": now + seconds, **more}
    return {name: value for name, value in claims.items() if value is not None}


def hmac_token(secret, claims, key_id):
    """A public key taken for a shared secret: what a verifier that believes the header falls for."""
    signed = base64url(json.dumps({"alg": "HS256", "typ": "JWT", "kid": key_id}).encode()) + "." + \
        base64url(json.dumps(claims).encode())
    return signed + "." + base64url(hmac.new(secret, signed.encode(), hashlib.sha256).digest())


def replaced(token, index, text):
    parts = token.split(".")
    parts[index] = text
    return ".".join(parts)


def flipped(token):
    """One bit of the signature is another."""
    head, claims, signature = token.split(".")
    data = bytearray(base64.urlsafe_b64decode(signature + "=="))
    data[10] ^= 1
    return ".".join([head, claims, base64url(bytes(data))])


def vectors():
    rs, es = SigningKey("RS256", "rsa-1"), SigningKey("ES256", "ec-1")
    other, large = SigningKey("RS256", "rsa-1"), SigningKey("ES256", "p-384", curve=ec.SECP384R1())
    claims = claims_for(AUDIENCE)
    good = rs.token(claims)
    cases = []

    def case(name, token, refused="", keys="jwks", email=False):
        cases.append({"name": name, "token": token, "refused": refused, "keys": keys, "email": email})

    def changed(**more):
        return rs.token(claims_for(AUDIENCE, **more))

    case("RS256", good)
    case("ES256", es.token(claims))
    case("with e-mail", good, email=True)
    case("RS256, PEM", good, keys="pem")
    case("ES256, PEM", es.token(claims), keys="pem")
    case("no kid, one key of its algorithm", rs.token(claims, kid=None))
    case("several audiences", rs.token(claims_for(["x", AUDIENCE])))
    case("times as fractions", changed(iat=NOW + 0.5))
    case("expired within the leeway", changed(exp=NOW - 59))
    case("not yet, within the leeway", changed(nbf=NOW + 59))
    case("issued in the future, within the leeway", changed(iat=NOW + 59))
    case("expired", changed(exp=NOW - 60), "expired")
    case("expired long ago", changed(exp=1), "expired")
    case("not yet", changed(nbf=NOW + 61), "not valid yet")
    case("issued in the future", changed(iat=NOW + 61), "in the future")
    case("never expires", changed(exp=None), "never expires")
    case("expiry is a text", changed(exp="2999"), "not a time")
    case("expiry is negative", changed(exp=-1), "not a time")
    case("expiry is huge", changed(exp=1e300), "not a time")
    case("other issuer", changed(iss="https://accounts.example.org.evil"), "issuer")
    case("no issuer", changed(iss=None), "issuer")
    case("issuer is a list", changed(iss=[ISSUER]), "issuer")
    case("other audience", changed(aud=AUDIENCE + "/"), "audience")
    case("no audience", changed(aud=None), "audience")
    case("no audience of the list", changed(aud=["a", "b", 3]), "audience")
    case("other e-mail", changed(email="x@y"), "e-mail", email=True)
    case("e-mail not verified", changed(email_verified=False), "e-mail", email=True)
    case("e-mail verified as text", changed(email_verified="true"), "e-mail", email=True)
    case("no e-mail", changed(email=None), "e-mail", email=True)
    case("forged: another key of that id", other.token(claims), "signature is wrong")
    case("forged: one bit", flipped(good), "signature is wrong")
    case("forged ES256: one bit", flipped(es.token(claims)), "signature is wrong")
    case("forged: claims exchanged", replaced(good, 1, base64url(json.dumps(claims_for(AUDIENCE, sub="0")).encode())),
         "signature is wrong")
    case("forged, PEM", other.token(claims), "signature is wrong", keys="pem")
    case("signature of zeros, ES256", replaced(es.token(claims), 2, base64url(bytes(64))), "signature is wrong")
    case("signature too short, ES256", replaced(es.token(claims), 2, base64url(bytes(63))), "signature is wrong")
    case("no signature", replaced(good, 2, ""), "signature is wrong")
    case("alg none", replaced(good.replace(good.split(".")[0], base64url(b'{"alg":"none","typ":"JWT"}')), 2, ""),
         "neither RS256 nor ES256")
    case("alg None", good.replace(good.split(".")[0], base64url(b'{"alg":"None"}')), "neither RS256 nor ES256")
    case("HS256 with the public key as secret", hmac_token(rs.pem().encode(), claims, "rsa-1"), "neither RS256 nor ES256")
    case("HS256 with the public key as secret, PEM", hmac_token(rs.pem().encode(), claims, "rsa-1"),
         "neither RS256 nor ES256", keys="pem")
    case("alg ES256 with the id of an RSA key", rs.token(claims, alg="ES256"), "no key")
    case("alg RS512", rs.token(claims, alg="RS512"), "neither RS256 nor ES256")
    case("alg is a number", rs.token(claims, alg=1), "neither RS256 nor ES256")
    case("P-384", large.token(claims), "no key")
    case("unknown kid", rs.token(claims, kid="rsa-2"), "no key")
    case("kid is a path", rs.token(claims, kid="../../dev/null"), "no key")
    case("a key inside the token", other.token(claims, kid="x", jwk=other.jwk()), "no key")
    case("crit", rs.token(claims, crit=["exp"]), "extensions")
    case("claims are a list", rs.token([claims]), "claims")
    case("header is a list", replaced(good, 0, base64url(b'["alg"]')), "header")
    case("header is not JSON", replaced(good, 0, base64url(b'{"alg":')), "header")
    case("header is nested deeply", replaced(good, 0, base64url(b'[' * 9000)), "header")
    case("header is padded", replaced(good, 0, good.split(".")[0] + "="), "header")
    case("signature is not base64", replaced(good, 2, "!!"), "base64")
    case("truncated", good[:-6], "signature is wrong")
    case("truncated to two parts", good.rsplit(".", 1)[0], "three parts")
    case("four parts", good + ".x", "three parts")
    case("empty", "", "three parts")
    case("dots", "..", "header")
    case("huge", good + "A" * 20_000, "too long")
    return {"now": NOW, "issuer": ISSUER, "audience": AUDIENCE, "email": EMAIL, "jwks": key_set(rs, es, large),
            "pem": rs.pem() + es.pem(), "weak_pem": SigningKey(bits=1024).pem(),
            "p384_pem": large.pem(), "other_jwks": key_set(other), "cases": cases}


if __name__ == "__main__":
    json.dump(vectors(), sys.stdout, indent=1)
    print()
