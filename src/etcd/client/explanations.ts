/**
 * What a connection that failed means, where Node, OpenSSL and gRPC say it in words that help nobody at night: which
 * side refused what, and which variable to look at. For people only: gRPC hands on nothing but a text here, and no
 * decision may hang on that.
 */
const EXPLANATIONS: readonly [RegExp, string][] = [
  [
    /unable to verify the first certificate|unable to get (?:local )?issuer certificate|self.signed certificate/,
    'no CA in ETCDCTL_CACERT signed its certificate',
  ],
  [/certificate has expired/, 'its own certificate has expired'],
  [/certificate is not yet valid/, 'its own certificate is not valid yet: are the clocks right?'],
  [/alert unknown ca/, 'it refuses ETCDCTL_CERT: no CA that it trusts signed that certificate'],
  [/alert certificate required/, 'it wants a client certificate: set ETCDCTL_CERT and ETCDCTL_KEY'],
  [/alert certificate expired/, 'it refuses ETCDCTL_CERT: that certificate has expired'],
  // What etcd built with older versions of Go says in all these cases.
  [
    /alert bad certificate/,
    'it wants a client certificate, and ETCDCTL_CERT is none, expired, revoked or of another CA',
  ],
  [/disconnected before secure TLS|wrong version number/, 'it does not speak TLS: is it http there?'],
  // gRPC's words for ENHANCE_YOUR_CALM, as etcd says it to a client that pings too often.
  [/^Bandwidth exhausted or memory limit/, 'it, or what stands before it, told the connection to go away'],
  [/^Protocol error$/, 'it does not speak as etcd does: is it the port for clients?'],
  [/no space left on device/, 'its disk is full'],
  // Not a word of the reason: a server of TLS does so with plain text, and etcd with a certificate on its list of
  // revoked ones (`--client-crl-file`).
  [
    /^Failed to connect$/,
    'it closed the connection at once: with http://, is it https there? With https://, is ETCDCTL_CERT revoked? ' +
      "etcd's own log tells",
  ],
];

/** The text without the frames around the sentence, and with its meaning before it where that is known. */
export function explained(text: string): string {
  const said = sentenceOf(text);
  const explanation = EXPLANATIONS.find(([pattern]) => pattern.test(said))?.[1];
  return explanation === undefined ? said : `${explanation} (${said})`;
}

/**
 * Without gRPC's frame (`No connection established. Last error: `, times), Node's advice to its own users, and
 * OpenSSL's frame (`405A:error:0A000418:SSL routines:ssl3_read_bytes:REASON:../file.c:918:SSL alert ...`).
 */
function sentenceOf(text: string): string {
  return text
    .replace(/^No connection established\. Last error: (?:Error: )?/, '')
    .replace(/\.? ?Resolution note:.*$/s, '')
    .replace(/^(Deadline exceeded after [\d.]+s),.*$/s, '$1')
    .replace(/\s*\(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '')
    .replace(/^Deadline exceeded after (\d+\.\d)\d*s.*$/s, 'Deadline exceeded: no answer within $1 s')
    .replace(/; if the root CA is installed locally.*$/, '')
    .replace(/^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/s, '$1')
    .trim();
}
