import type { Agent } from 'node:https';
import { Socket } from 'node:net';

/** As much as Node takes of the head of any other answer. */
const MAX_HEAD_BYTES = 2 ** 14;
const HEAD_END = '\r\n\r\n';

/**
 * Lets an agent see in one piece what a proxy answers to CONNECT, and nothing of an answer whose head has no end. Node
 * reads that answer without a bound; and with every piece that comes it doubles the number of its listeners, so that
 * thirty pieces, of an honest proxy too, are more than fit into memory.
 */
export function boundTunnels(agent: Agent): Agent {
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (...args) => {
    const socket = connect(...args);
    if (socket instanceof Socket) headInOne(socket);
    return socket;
  };
  return agent;
}

/** Where there is no proxy in between it is the head of the server's first answer, which has the same bound. */
function headInOne(socket: Socket): void {
  const push = socket.push.bind(socket);
  let head = Buffer.alloc(0);
  let isWhole = false;
  socket.push = (chunk: Buffer | null, encoding) => {
    if (isWhole) return push(chunk, encoding);
    head = Buffer.concat([head, chunk ?? Buffer.alloc(0)]);
    isWhole = chunk === null || head.includes(HEAD_END);
    if (isWhole && head.length > 0) push(head);
    if (chunk === null) return push(null);
    if (!isWhole && head.length > MAX_HEAD_BYTES) socket.destroy(endless());
    return true;
  };
}

/** With the code that Node gives to whatever keeps a tunnel from being opened. */
const endless = (): Error =>
  Object.assign(new Error(`the head of the answer has more than ${MAX_HEAD_BYTES} bytes`), {
    code: 'ERR_PROXY_TUNNEL',
  });
