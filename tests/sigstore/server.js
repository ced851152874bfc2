// A Sigstore instance of its own on the loopback device, for tests: an OIDC issuer, a certificate authority with its
// certificate transparency log, a transparency log for entries, and a time stamp authority. The authorities and logs are
// those of the npm package @sigstore/mock, with keys that are made at each start; this file speaks the services' HTTP.
//
// usage: node server.js FOLDER
// Writes trust_config.json (for who signs) and trusted_root.json (for who verifies) into FOLDER, prints its address, and
// runs until its standard input ends.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const jose = require('jose');
const pkijs = require('pkijs');
const { fulcioHandler, initializeCA, initializeCTLog, initializeTLog, initializeTSA } = require('@sigstore/mock');

const AUDIENCE = 'sigstore';
const makeKey = () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sha256 = (data) => crypto.createHash('sha256').update(data).digest();

// The issuer: gives a token to whoever asks for one, by any claims, or after the browser's dance (OAuth with PKCE).
function issuer(base) {
  const { privateKey, publicKey } = makeKey();
  const waiting = new Map();
  const token = (claims) =>
    new jose.SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(base)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setNotBefore('-1s')
      .setExpirationTime('10m')
      .sign(privateKey);
  return {
    claims: async (raw) => (await jose.jwtVerify(raw, publicKey, { issuer: base, audience: AUDIENCE })).payload,
    routes: {
      'POST /mint': async ({ body }) => [200, await token(JSON.parse(body)), 'text/plain'],
      'GET /.well-known/openid-configuration': () => [
        200,
        JSON.stringify({ issuer: base, authorization_endpoint: `${base}/auth`, token_endpoint: `${base}/token` }),
      ],
      'GET /auth': ({ query }) => {
        const code = crypto.randomUUID();
        waiting.set(code, { challenge: query.get('code_challenge'), nonce: query.get('nonce') });
        const next = new URL(query.get('redirect_uri'));
        next.searchParams.set('code', code);
        next.searchParams.set('state', query.get('state'));
        return [302, '', 'text/plain', { Location: next.href }];
      },
      'POST /token': async ({ body }) => {
        const form = new URLSearchParams(body.toString());
        const asked = waiting.get(form.get('code'));
        waiting.delete(form.get('code'));
        const verifier = sha256(form.get('code_verifier') || '').toString('base64url');
        if (!asked || asked.challenge !== verifier) return [400, JSON.stringify({ error: 'invalid_grant' })];
        const raw = await token({ sub: 'https://people.example/ada', nonce: asked.nonce });
        return [200, JSON.stringify({ access_token: raw, id_token: raw, token_type: 'Bearer' })];
      },
    },
  };
}

// Fulcio: the package's handler believes any token, and that whoever names a key has it, so both are verified here. A
// request is a CSR (sigstore-python; Fulcio's JSON has it in base64), or a key with a signature over the subject (cosign).
function requested(asked, subject) {
  if (asked.certificateSigningRequest) {
    return { certificateSigningRequest: Buffer.from(asked.certificateSigningRequest, 'base64').toString() };
  }
  const { publicKey, proofOfPossession } = asked.publicKeyRequest;
  if (!crypto.verify('sha256', Buffer.from(subject), publicKey.content, Buffer.from(proofOfPossession, 'base64'))) {
    throw new Error('the signature by the key is not valid');
  }
  return { publicKeyRequest: { publicKey } };
}

function authority(ca, claims) {
  const handler = fulcioHandler(ca);
  return {
    [`POST ${handler.path}`]: async ({ body, headers }) => {
      const raw = (headers.authorization || '').replace(/^Bearer /, '');
      let asked;
      try {
        asked = requested(JSON.parse(body), (await claims(raw)).sub);
      } catch (error) {
        return [401, JSON.stringify({ code: 16, message: `There was an error processing the identity token: ${error.message}` })];
      }
      const made = await handler.fn(JSON.stringify({ ...asked, credentials: { oidcIdentityToken: raw } }));
      // Fulcio's answer is 200.
      return [made.statusCode === 201 ? 200 : made.statusCode, made.response, made.contentType];
    },
  };
}

// What Rekor keeps of a file's signature: all, as it comes here (rekor, pkg/types/hashedrekord/hashedrekord_v0_0_1_schema.json), and of an
// envelope its hashes (pkg/types/dsse/dsse_v0_0_1_schema.json), after it has verified the signature.
function logged(proposed) {
  if (proposed.kind === 'hashedrekord') return proposed;
  if (proposed.kind !== 'dsse') throw new Error(`entries of the kind ${proposed.kind} are not taken here`);
  const { envelope, verifiers } = proposed.spec.proposedContent;
  const { payload, payloadType, signatures } = JSON.parse(envelope);
  const data = Buffer.from(payload, 'base64');
  const signed = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${data.length} `), data]);
  const { publicKey } = new crypto.X509Certificate(Buffer.from(verifiers[0], 'base64'));
  for (const { sig } of signatures) {
    if (!crypto.verify('sha256', signed, publicKey, Buffer.from(sig, 'base64'))) throw new Error('the signature is not valid');
  }
  const hash = (bytes) => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
  return {
    apiVersion: '0.0.1',
    kind: 'dsse',
    spec: {
      envelopeHash: hash(envelope),
      payloadHash: hash(data),
      signatures: signatures.map(({ sig }) => ({ signature: sig, verifier: verifiers[0] })),
    },
  };
}

function log(tlog) {
  return {
    'POST /api/v1/log/entries': async ({ body }) => {
      const entry = await tlog.log(logged(JSON.parse(body)));
      // Clients find the entry in the answer by this name.
      return [201, JSON.stringify(entry), 'application/json', { ETag: Object.keys(entry)[0] }];
    },
  };
}

// The package's authority takes JSON and small nonces; the protocol (RFC 3161) has DER and large ones.
function timestamps(tsa) {
  const plain = tsa.tstInfo.bind(tsa);
  tsa.tstInfo = (request) => Object.assign(plain(request), { nonce: request.exact });
  return {
    'POST /api/v1/timestamp': async ({ body }) => {
      const asked = pkijs.TimeStampReq.fromBER(body);
      const reply = await tsa.timestamp({
        artifactHash: Buffer.from(asked.messageImprint.hashedMessage.valueBlock.valueHexView),
        hashAlgorithmOID: asked.messageImprint.hashAlgorithm.algorithmId,
        nonce: 0,
        exact: asked.nonce,
        policyOID: '1.3.6.1.4.1.57264.2',
        certReq: asked.certReq,
      });
      return [201, reply, 'application/timestamp-reply'];
    },
  };
}

function trust(base, { ca, ctlog, tlog, tsa }) {
  const validFor = { start: new Date(Date.now() - 60_000).toISOString() };
  const service = (url) => ({ url, majorApiVersion: 1, validFor, operator: 'test' });
  const instance = (key) => ({
    baseUrl: base,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: key.toString('base64'), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
    logId: { keyId: sha256(key).toString('base64') },
  });
  const chain = (name, ...certificates) => ({
    subject: { organization: 'test', commonName: name },
    uri: base,
    certChain: { certificates: certificates.map((der) => ({ rawBytes: der.toString('base64') })) },
    validFor,
  });
  const trustedRoot = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [instance(tlog.publicKey)],
    certificateAuthorities: [chain('sigstore', ca.rootCertificate)],
    ctlogs: [instance(ctlog.publicKey)],
    timestampAuthorities: [chain('tsa', tsa.intCertificate, tsa.rootCertificate)],
  };
  const signingConfig = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service(base)],
    oidcUrls: [service(base)],
    rekorTlogUrls: [service(base)],
    rekorTlogConfig: { selector: 'ANY' },
    tsaUrls: [service(`${base}/api/v1/timestamp`)],
    tsaConfig: { selector: 'ANY' },
  };
  const config = { mediaType: 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json', trustedRoot, signingConfig };
  return { 'trusted_root.json': trustedRoot, 'trust_config.json': config };
}

async function main(folder) {
  const routes = {};
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, 'http://localhost');
    const parts = [];
    for await (const part of request) parts.push(part);
    const route = routes[`${request.method} ${pathname.replace(/^\/+/, '/')}`];
    let answer;
    try {
      answer = route ? await route({ body: Buffer.concat(parts), headers: request.headers, query }) : [404, '{}'];
    } catch (error) {
      answer = [400, JSON.stringify({ code: 400, message: error.message })];
    }
    const [status, body, type = 'application/json', headers = {}] = answer;
    response.writeHead(status, { 'Content-Type': type, ...headers }).end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const base = `http://127.0.0.1:${server.address().port}`;
  const ctlog = await initializeCTLog(makeKey());
  const services = {
    ctlog,
    ca: await initializeCA(makeKey(), ctlog),
    tlog: await initializeTLog(base, makeKey()),
    tsa: await initializeTSA(makeKey()),
  };
  const who = issuer(base);
  Object.assign(routes, who.routes, authority(services.ca, who.claims), log(services.tlog), timestamps(services.tsa));
  for (const [name, value] of Object.entries(trust(base, services))) {
    fs.writeFileSync(path.join(folder, name), JSON.stringify(value));
  }
  console.log(base);
  process.stdin.resume().on('end', () => process.exit(0));
}

main(process.argv[2]);
