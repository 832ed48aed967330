import { useId } from 'react';

const SIZE = 100;

/** A picture of its number: hills under a sun. */
export function Artwork({ seed }: { readonly seed: number }) {
  const sky = useId();
  const pick = (part: number, most: number) =>
    Math.floor(Math.abs(Math.sin(seed * 12.9898 + part * 78.233)) * most);
  const hue = pick(1, 360);
  const hills = [0, 1, 2].map((hill) => {
    const [start, crest, end] = [pick(hill + 2, 30), pick(hill + 5, 34), pick(hill + 8, 30)];
    const base = 48 + hill * 15;
    return {
      path: `M0 ${SIZE}V${base + start - 15}Q30 ${base + crest - 24} 55 ${base + start - 8}T${SIZE} ${base + end - 15}V${SIZE}Z`,
      fill: `hsl(${hue + 200 + hill * 14} ${44 - hill * 4}% ${52 - hill * 14}%)`,
    };
  });
  return (
    <svg viewBox={`0 0 ${SIZE} ${SIZE}`} preserveAspectRatio="xMidYMid slice" focusable="false">
      <title>A picture</title>
      <linearGradient id={sky} x2="0" y2="1">
        <stop stopColor={`hsl(${hue} 75% 62%)`} />
        <stop offset="1" stopColor={`hsl(${hue + 45} 88% 82%)`} />
      </linearGradient>
      <rect width={SIZE} height={SIZE} fill={`url(#${sky})`} />
      <circle
        cx={18 + pick(11, 64)}
        cy={18 + pick(12, 22)}
        r={7 + pick(13, 8)}
        fill={`hsl(${hue + 60} 100% 94%)`}
      />
      {hills.map(({ path, fill }) => (
        <path key={path} d={path} fill={fill} />
      ))}
    </svg>
  );
}
