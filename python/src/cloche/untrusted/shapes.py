"""The fields of documents that others read too, whose names have to be spelled as they are here (see spelling.py)."""

from cloche.untrusted.spelling import Shape


def _fields(names: str, **parts: Shape) -> dict[str, Shape]:
    """Return the fields of an object: those without parts of their own, and the others."""
    return {**dict.fromkeys(names.split()), **parts}


# secure-systems-lab/dsse, envelope.md.
ENVELOPE = _fields("payload payloadType", signatures=[_fields("keyid sig")])
# sigstore/protobuf-specs: sigstore_bundle.proto, sigstore_rekor.proto, sigstore_common.proto.
_CERTIFICATE = _fields("rawBytes")
_ENTRY = _fields(
    "logIndex integratedTime canonicalizedBody",
    logId=_fields("keyId"),
    kindVersion=_fields("kind version"),
    inclusionPromise=_fields("signedEntryTimestamp"),
    inclusionProof=_fields("logIndex rootHash treeSize hashes", checkpoint=_fields("envelope")),
)
_MATERIAL = _fields(
    "",
    publicKey=_fields("hint"),
    x509CertificateChain=_fields("", certificates=[_CERTIFICATE]),
    certificate=_CERTIFICATE,
    tlogEntries=[_ENTRY],
    timestampVerificationData=_fields("", rfc3161Timestamps=[_fields("signedTimestamp")]),
)
_MESSAGE = _fields("signature", messageDigest=_fields("algorithm digest"))
BUNDLE = _fields("mediaType", verificationMaterial=_MATERIAL, messageSignature=_MESSAGE, dsseEnvelope=ENVELOPE)
# What may be either, until it is known which.
EVIDENCE: dict[str, Shape] = {**BUNDLE, **ENVELOPE, "_type": None, "UNSIGNED": None}

# in-toto/attestation, spec/v1: statement.md and resource_descriptor.md. The names in digests and annotations are data.
_RESOURCE = _fields("name uri digest content downloadLocation mediaType annotations")
STATEMENT = _fields("_type predicateType predicate", subject=[_RESOURCE])
# CycloneDX 1.6, of which all objects are of fixed fields; a component holds components.
_COMPONENT = _fields(
    "type bom-ref group name version purl cpe hashes",
    licenses=[_fields("expression", license=_fields("id name"))],
    properties=[_fields("name value")],
)
_COMPONENT["components"] = [_COMPONENT]
CYCLONEDX = _fields(
    "bomFormat specVersion serialNumber version vulnerabilities",
    metadata=_fields("timestamp", component=_COMPONENT),
    components=[_COMPONENT],
    dependencies=[_fields("ref dependsOn provides")],
)
# slsa.dev/spec, provenance/v1 and verification_summary/v1; in-toto/attestation, test-result.md.
PREDICATES: dict[str, Shape] = {
    "https://cyclonedx.org/bom": CYCLONEDX,
    "https://slsa.dev/provenance/v1": _fields(
        "",
        buildDefinition=_fields("buildType externalParameters internalParameters", resolvedDependencies=[_RESOURCE]),
        runDetails=_fields(
            "",
            builder=_fields("id version", builderDependencies=[_RESOURCE]),
            metadata=_fields("invocationId startedOn finishedOn"),
            byproducts=[_RESOURCE],
        ),
    ),
    "https://slsa.dev/verification_summary/v1": _fields(
        "timeVerified resourceUri verificationResult verifiedLevels dependencyLevels slsaVersion",
        verifier=_fields("id version"),
        policy=_RESOURCE,
        inputAttestations=[_RESOURCE],
    ),
    "https://in-toto.io/attestation/test-result/v0.1": _fields(
        "result url passedTests warnedTests failedTests", configuration=[_RESOURCE]
    ),
}

# opencontainers/image-spec 1.1: descriptor.md, manifest.md, image-index.md.
_DESCRIPTOR = _fields(
    "mediaType digest size urls annotations data artifactType",
    platform=_fields("architecture os os.version os.features variant"),
)
OCI = _fields(
    "schemaVersion mediaType artifactType annotations",
    config=_DESCRIPTOR,
    layers=[_DESCRIPTOR],
    manifests=[_DESCRIPTOR],
    subject=_DESCRIPTOR,
)
