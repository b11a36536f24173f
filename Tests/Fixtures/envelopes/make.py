#!/usr/bin/env python3
"""Writes envelopes.json: envelopes signed by Python's hmac and by the openssl program, so that the
verifier is held against others' work. Run by hand; the keys are fixed, the result is always the same."""
import base64, hashlib, hmac, json, pathlib, subprocess, tempfile

SEED = bytes(range(32))
HMAC_KEY = bytes(range(100, 132))
VM_SECRET = hmac.new(b"master", b"vm-1", hashlib.sha256).hexdigest()
EPOCH = "00112233445566778899aabbccddeeff"
PAYLOAD = '{"type":"Exec","id":"e-1","argv":["/bin/echo","caf\u00e9 \\"x\\"\\n"],"epoch":"%s"}' % EPOCH


def ed25519(text):
    # RFC 8410: the fixed bytes in front of a private key's 32.
    der = bytes.fromhex("302e020100300506032b657004220420") + SEED
    with tempfile.TemporaryDirectory() as folder:
        key, data = pathlib.Path(folder, "k"), pathlib.Path(folder, "d")
        key.write_bytes(der)
        data.write_bytes(text)
        run = lambda *a: subprocess.run(["openssl", *a], check=True, capture_output=True).stdout
        signature = run("pkeyutl", "-sign", "-inkey", str(key), "-keyform", "DER", "-rawin", "-in", str(data))
        public = run("pkey", "-in", str(key), "-inform", "DER", "-pubout", "-outform", "DER")[-32:]
    return signature, public


def v2(alg, kid, n):
    text = "\n".join(["vireo-signed-2", alg, kid, "vm-1", EPOCH, str(n), PAYLOAD]).encode()
    if alg == "ed25519":
        sig = ed25519(text)[0]
    else:
        sig = hmac.new(HMAC_KEY, text, hashlib.sha256).digest()
    return {"type": "signed", "v": 2, "alg": alg, "kid": kid, "vm": "vm-1", "epoch": EPOCH, "n": n,
            "payload": PAYLOAD, "sig": sig.hex()}


def v1(ts, nonce):
    text = f"1\n{ts}\n{nonce}\n{PAYLOAD}".encode()
    sig = hmac.new(VM_SECRET.encode(), text, hashlib.sha256).hexdigest()
    return {"type": "signed", "v": 1, "ts": ts, "nonce": nonce, "payload": PAYLOAD, "sig": sig}


public = ed25519(b"x")[1]
lines = [
    "ed25519-private ops-1 " + base64.b64encode(SEED).decode(),
    "ed25519-public ops-1 " + base64.b64encode(public).decode(),
    "hmac-sha256 host " + HMAC_KEY.hex(),
    "infiniservice infinibay " + VM_SECRET,
]
here = pathlib.Path(__file__).parent
(here / "keys.txt").write_text("\n".join(lines) + "\n")
envelopes = [v2("ed25519", "ops-1", 7), v2("hmac-sha256", "host", 1),
             v1(1800000000000, "6f1c0e0a-9f5a-4d0e-8f0b-2f6a4f7c1d22")]
(here / "envelopes.jsonl").write_text(
    "".join(json.dumps(e, separators=(",", ":"), ensure_ascii=False) + "\n" for e in envelopes))
