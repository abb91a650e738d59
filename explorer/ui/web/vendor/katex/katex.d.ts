export function renderToString(tex: string, options?: Record<string, unknown>): string;
