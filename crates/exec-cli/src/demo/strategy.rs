//! The demonstration's strategy: plays the scenes, and remembers how far it is.

use crate::play::scenes::Scenes;
use exec_core::strategy::{Context, Strategy};
use node_config::{MakeError, StrategyEntry};

const TICK: u64 = 1;

pub(crate) struct DemoStrategy(Scenes);

impl DemoStrategy {
    pub(crate) fn new(entry: &StrategyEntry) -> Result<Self, MakeError> {
        Scenes::new(entry).map(Self)
    }
}

impl Strategy for DemoStrategy {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        let saved = ctx.state().and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        self.0.step = saved.map_or(0, u32::from_le_bytes);
        ctx.set_timer(TICK, self.0.pace_ms);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        if self.0.go_on(ctx) {
            ctx.save_state(self.0.step.to_le_bytes().to_vec());
        }
        ctx.set_timer(TICK, self.0.pace_ms);
    }
}
