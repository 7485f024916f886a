// The version of the package. In a separate file because some bundlers cannot read package.json.

export const version = '0.1.0';
