// A model on loopback that returns one sentence for every chat: the OpenAI chat completions API, streamed or whole.

import { createServer } from 'node:http';

const ANSWER = 'The mock model answers.';

function body(request) {
  return new Promise((resolve) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve(text));
  });
}

async function answer(request, response) {
  const text = await body(request);
  if (request.url.endsWith('/models')) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'list', data: [{ id: 'mock', object: 'model', owned_by: 'mock' }] }));
    return;
  }
  const { stream = false } = text === '' ? {} : JSON.parse(text);
  const base = { id: 'chatcmpl-1', created: 1, model: 'mock' };
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  if (!stream) {
    const message = { role: 'assistant', content: ANSWER };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...base, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (choice, rest = {}) => response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [choice], ...rest })}\n\n`);
  send({ index: 0, delta: { role: 'assistant', content: ANSWER }, finish_reason: null });
  send({ index: 0, delta: {}, finish_reason: 'stop' }, { usage });
  response.end('data: [DONE]\n\n');
}

/** Starts the server, which ends with the process. @returns {Promise<number>} its port */
export function startMockModel() {
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.unref();
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}
