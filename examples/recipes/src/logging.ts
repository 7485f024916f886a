// logging.ts
import { openRoot } from 'holdfast';
import { pino } from 'pino';

const log = pino();
const media = await openRoot(process.env.MEDIA_DIR ?? 'media');

for (const name of process.argv.slice(2)) {
  try {
    const { size } = await media.writeAtomic(name, process.env.CONTENT ?? '', { maxBytes: 1024, overwrite: false });
    log.info({ name, size }, 'stored');
  } catch (error) {
    log.error(error, 'not stored');
  }
}
media.close();
