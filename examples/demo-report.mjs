// Output of the demo: one line per action, with a mark for its outcome, and the modes before and after.

const colours = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (number) => (text) => (colours ? `\x1b[${number}m${text}\x1b[0m` : text);
const [bold, dim, red, green, yellow] = [1, 2, 31, 32, 33].map(paint);

export function octal(mode) {
  return mode.toString(8).padStart(4, '0');
}

export class Report {
  #broken = 0;
  #kept = 0;

  title(text) {
    console.log(`${bold('holdfast')}: two failures of a gateway, with node:fs and then with holdfast\n${dim(text)}`);
  }

  chapter(title, scene) {
    console.log(`\n${bold(title)}\n${scene}\n`);
  }

  note(text) {
    console.log(`  ${yellow(text)}`);
  }

  line({ kind, code, outcome, before, after, good, remark }) {
    const who = kind === 'before' ? dim('node:fs ') : bold('holdfast');
    const modes = before === after ? `mode stays ${after}` : `mode ${before} → ${after}`;
    const ended = outcome.error ? `${outcome.error.code}` : 'success';
    if (good) this.#kept++;
    else this.#broken++;
    const mark = good ? (kind === 'before' ? yellow('!') : green('✔')) : red('✘');
    const verdict = good ? dim(remark) : red(`NOT ${remark}: ${JSON.stringify(outcome)}`);
    console.log(`  ${who}  ${code}\n         ${mark} ${bold(ended)}, ${modes}  ${verdict}`);
  }

  detail(name, text) {
    console.log(`             ${dim(`${name}:`)} ${text}`);
  }

  /** Prints the summary and returns the exit code. */
  conclude() {
    const all = this.#kept + this.#broken;
    console.log(
      this.#broken === 0
        ? green(`\nAll ${all} outcomes are the promised ones.`)
        : red(`\n${this.#broken} of ${all} outcomes are not the promised ones.`),
    );
    return this.#broken === 0 ? 0 : 1;
  }
}
