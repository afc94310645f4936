/** How kube-apiserver tells of an object without a kind (runtime.missingKindErr): with all that is in it. */
const WHOLE_OBJECT = /( is missing in '|missingKindErr\{data:).*/s;

/** What kube-apiserver says, in an answer or a line of its log, without an object that it quotes. */
export const withoutObjects = (said: string): string => said.replace(WHOLE_OBJECT, '$1...');
