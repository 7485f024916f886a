// shutdown.ts
import type { Server } from 'node:http';

/** On SIGTERM: lets requests end for `graceMs`, then cuts their connections. */
export function shutdownOnSigterm(server: Server, graceMs = Number(process.env.GRACE_MS ?? 10_000)): void {
  process.once('SIGTERM', () => {
    const idle = setInterval(() => server.closeIdleConnections(), 100);
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(cut);
    });
  });
}
