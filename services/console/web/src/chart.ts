// Figures as charts. The table beside each chart says the same to those who do not see it.
// Canvas and drawn tooltips: the policy allows no inline style.
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

interface Series {
  names: string[];
  values: (number | null)[];
  target?: number;
  targetName?: string;
  unit: string;
  kind: "bar" | "line";
}

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const draw = (place: HTMLElement) => {
  const series = JSON.parse(place.dataset.chart ?? "{}") as Series;
  const face = place.querySelector<HTMLElement>("[data-face]")!;
  const chart = init(face, null, { renderer: "canvas" });
  const horizontal = series.kind === "bar";
  const category = { type: "category" as const, data: series.names, axisLabel: { color: colour("--soft"), width: 130, overflow: "truncate" as const }, inverse: horizontal, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } } };
  const value = { type: "value" as const, axisLabel: { color: colour("--soft"), formatter: `{value}${series.unit}` }, splitLine: { lineStyle: { color: colour("--line") } } };
  const aim = series.target === undefined ? undefined : {
    symbol: "none", silent: true, lineStyle: { color: colour("--late"), type: "dashed" as const },
    label: { formatter: series.targetName ?? "", color: colour("--soft") },
    data: [horizontal ? { xAxis: series.target } : { yAxis: series.target }],
  };
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    color: [colour("--accent")],
    grid: { left: 8, right: 56, top: 24, bottom: 8, containLabel: true },
    tooltip: { trigger: "axis", renderMode: "richText", valueFormatter: (x) => `${String(x)}${series.unit}` },
    xAxis: horizontal ? value : category,
    yAxis: horizontal ? category : value,
    series: [{ type: series.kind, data: series.values, barMaxWidth: 18, markLine: aim, symbolSize: 7 }],
  });
  addEventListener("resize", () => chart.resize());
};

document.querySelectorAll<HTMLElement>("[data-chart]").forEach(draw);
