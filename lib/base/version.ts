// The version of the package. A file of its own, since not every bundler reads package.json.

export const version = '0.1.0';
