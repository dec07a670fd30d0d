/** Where the boxes of the provenance graph stand: results on the left, the calls that took from them on the right. */
import { Graph, layout } from '@dagrejs/dagre';
import type { Edge } from './api_types.ts';

export interface Box {
  id: string;
  /** Of the event, or -1 for a tool that stands for several. */
  seq: number;
  server: string;
  tool: string;
  events: number;
  untrusted: boolean;
  x: number;
  y: number;
}

/** All values that went from one box into another. */
export interface Line {
  from: string;
  to: string;
  edges: Edge[];
  path: string;
}

export interface Layout {
  boxes: Box[];
  lines: Line[];
  width: number;
  height: number;
  /** Too many events to draw each: they are drawn by tool. */
  collapsed: boolean;
}

export const BOX_WIDTH = 190;
export const BOX_HEIGHT = 44;
const BOXES_MAX = 500;

/** Above 500 events they are drawn by tool, since nobody reads more. */
export function layoutOf(edges: readonly Edge[]): Layout {
  const events = new Set(edges.flatMap(({ from, to }) => [from.seq, to.seq]));
  const collapsed = events.size > BOXES_MAX;
  const { boxes, lines } = joined(edges, collapsed);
  return placed(boxes, lines, collapsed);
}

function joined(edges: readonly Edge[], collapsed: boolean) {
  const boxes = new Map<string, Box & { seqs: Set<number> }>();
  const lines = new Map<string, Line>();
  const boxOf = ({ seq, server, tool }: Edge['from']) => {
    const id = collapsed ? `${server}\u0000${tool}` : String(seq);
    let box = boxes.get(id);
    if (box === undefined) {
      box = { id, seq: collapsed ? -1 : seq, server, tool, events: 0, untrusted: false, x: 0, y: 0, seqs: new Set() };
      boxes.set(id, box);
    }
    box.seqs.add(seq);
    box.events = box.seqs.size;
    return box;
  };
  for (const edge of edges) {
    const from = boxOf(edge.from);
    const to = boxOf(edge.to);
    from.untrusted ||= edge.untrusted;
    const id = `${from.id}\u0001${to.id}`;
    const line = lines.get(id);
    if (line === undefined) lines.set(id, { from: from.id, to: to.id, edges: [edge], path: '' });
    else line.edges.push(edge);
  }
  return { boxes: [...boxes.values()], lines: [...lines.values()] };
}

function placed(boxes: Box[], lines: Line[], collapsed: boolean): Layout {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 90, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of boxes) graph.setNode(id, { width: BOX_WIDTH, height: BOX_HEIGHT });
  for (const { from, to } of lines) graph.setEdge(from, to);
  layout(graph);
  for (const box of boxes) {
    const { x, y } = graph.node(box.id) as { x: number; y: number };
    box.x = x - BOX_WIDTH / 2;
    box.y = y - BOX_HEIGHT / 2;
  }
  for (const line of lines) {
    const { points } = graph.edge(line.from, line.to) as { points: { x: number; y: number }[] };
    line.path = points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { boxes, lines, width, height, collapsed };
}
